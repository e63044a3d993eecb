// Which jobs are selected: one, many, a range of the list, or all. The list's order comes in.

import { Cell } from "./cell.ts";

export class Picking {
  readonly ids = new Cell<ReadonlySet<string>>(new Set());
  /** Where a range begins: the job that was last picked by itself. */
  private anchor: string | null = null;

  toggle(id: string): void {
    const ids = new Set(this.ids.get());
    if (!ids.delete(id)) ids.add(id);
    this.anchor = id;
    this.ids.set(ids);
  }

  /** All from the anchor to a job as well; `order` is the list as it stands. */
  extend(id: string, order: readonly string[]): void {
    const from = order.indexOf(this.anchor ?? id);
    const to = order.indexOf(id);
    if (from < 0 || to < 0) return this.toggle(id);
    const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.anchor ??= id;
    this.ids.set(new Set([...this.ids.get(), ...range]));
  }

  all(ids: Iterable<string>): void {
    this.ids.set(new Set(ids));
  }

  clear(): void {
    this.anchor = null;
    if (this.ids.get().size > 0) this.ids.set(new Set());
  }

  /** What a command at a job is about: all that are picked if it is one of them, else it alone. */
  with(id: string): string[] {
    const ids = this.ids.get();
    return ids.has(id) ? [...ids] : [id];
  }
}
