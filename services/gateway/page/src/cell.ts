// A value that components can watch. Rows watch their own job's cell, so a tick redraws one row.

import { useSyncExternalStore } from "preact/compat";

export class Cell<T> {
  private value: T;
  private readonly watchers = new Set<() => void>();

  constructor(value: T) {
    this.value = value;
  }

  readonly get = (): T => this.value;

  readonly set = (value: T): void => {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const watcher of [...this.watchers]) watcher();
  };

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

export function useCell<T>(cell: Cell<T>): T {
  return useSyncExternalStore(cell.watch, cell.get);
}

/** What a value says to one component; it is drawn anew only when that changes. */
export function useDerived<T, R extends string | number | boolean | null>(
  cell: Cell<T>,
  derive: (value: T) => R,
): R {
  return useSyncExternalStore(cell.watch, () => derive(cell.get()));
}
