// The pages that there are: each has an address of its own, and a pair of keys that leads there.

import { useLayoutEffect } from "preact/hooks";

import type { Desk } from "./desk.ts";

export type View = "jobs" | "queues" | "endpoints" | "overview" | "submit";

export interface Place {
  view: View;
  word: string;
  path: string;
  /** After `g`. */
  key: string;
}

export const PLACES: readonly Place[] = [
  { view: "jobs", word: "Jobs", path: "/", key: "j" },
  { view: "queues", word: "Queues", path: "/queues", key: "q" },
  { view: "endpoints", word: "Endpoints", path: "/endpoints", key: "e" },
  { view: "overview", word: "Overview", path: "/overview", key: "o" },
];
export const SUBMIT = "/submit";
const PREFIX = "g";
const PREFIX_MS = 1_500;

/** What stands at an address; where nothing else does, the jobs. */
export function viewAt(path: string): View {
  const bare = path.replace(/\/+$/, "");
  if (bare === SUBMIT) return "submit";
  return PLACES.find((one) => one.path === bare)?.view ?? "jobs";
}

/** `g j` and its like lead from page to page, `n` to a new job, `?` to the sheet of all keys. */
export function useViewKeys(desk: Desk): void {
  useLayoutEffect(() => {
    let until = 0;
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target)) return;
      const path = event.timeStamp < until ? after(event.key) : null;
      until = event.key === PREFIX && path === null ? event.timeStamp + PREFIX_MS : 0;
      if (path === null && event.key === "n") desk.visit(SUBMIT);
      else if (path === null && event.key === "?") desk.sheet.set(true);
      else if (path !== null) desk.visit(path);
      else if (until === 0) return;
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("keydown", pressed, true);
    return () => document.removeEventListener("keydown", pressed, true);
  }, [desk]);
}

function after(key: string): string | null {
  return PLACES.find((one) => one.key === key)?.path ?? null;
}

/** Keys in a field or a dialog are its own. */
export function isTaken(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  if (!(target instanceof HTMLElement)) return false;
  return target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
}
