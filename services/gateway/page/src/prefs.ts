// What this browser is told to remember of its viewer's taste. Not in the address: a link shows
// another what there is, not how the sender likes it.

import { Cell } from "./cell.ts";

export interface Prefs {
  /** Keys of the columns that are shown; in their own order. */
  columns: readonly string[];
  isDense: boolean;
  /** Tell by the system's notifications when a job of mine ends. */
  notifies: boolean;
}

const KEY = "haulage-view";
export const USUAL: Prefs = {
  columns: ["way", "situation", "retries", "tasks", "percent", "speed", "left"],
  isDense: false,
  notifies: false,
};

export const prefs = new Cell<Prefs>(kept());

export function prefer(change: Partial<Prefs>): void {
  prefs.set({ ...prefs.get(), ...change });
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs.get()));
  } catch {
    // A browser that keeps nothing shows it as wished until it is closed.
  }
}

function kept(): Prefs {
  try {
    const read = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>;
    const columns = Array.isArray(read.columns) ? read.columns.map(String) : USUAL.columns;
    return { columns, isDense: read.isDense === true, notifies: read.notifies === true };
  } catch {
    return USUAL;
  }
}
