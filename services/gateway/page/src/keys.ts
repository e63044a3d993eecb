// The page by keyboard. Keys that belong to a field or to the browser are left alone.

import { useLayoutEffect, useRef } from "preact/hooks";

import type { Desk } from "./desk.ts";
import type { Item } from "./view.ts";

export const SHORTCUTS: readonly [string, string][] = [
  ["↓ j", "next job"],
  ["↑ k", "previous job"],
  ["Home End", "first, last job"],
  ["Enter", "open or close the job"],
  ["p", "pause"],
  ["r", "resume or retry"],
  ["x", "abort (asks first)"],
  ["s", "settings of the job"],
  ["1 2", "active, finished jobs"],
  ["/", "search"],
  ["Esc", "leave the search, take back a question, close this"],
  ["?", "this list"],
];

export function useKeys(desk: Desk, items: Item[]): void {
  const newest = useRef(items);
  newest.current = items;
  // Before the first paint: who sees a row may press a key.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (desk.settings.get() !== null) return; // The dialog's own.
      const handled = isField(event.target)
        ? inField(event, desk)
        : inPage(event, desk, newest.current);
      if (handled) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [desk]);
}

function isField(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select");
}

function inField(event: KeyboardEvent, desk: Desk): boolean {
  if (event.target instanceof HTMLElement && event.target.id !== "search") return false;
  if (event.key !== "Escape" && event.key !== "ArrowDown" && event.key !== "Enter") return false;
  if (event.target instanceof HTMLElement) event.target.blur();
  if (event.key === "Escape") desk.go({ search: "" });
  return true;
}

function inPage(event: KeyboardEvent, desk: Desk, items: Item[]): boolean {
  const inControl = event.target instanceof Element && event.target.closest("button, a, label");
  const inDetails = event.target instanceof Element && event.target.closest(".details");
  if (event.key === "Escape") return escape(desk);
  if (desk.sheet.get()) return false;
  if (inControl && (event.key === "Enter" || event.key === " ")) return false;
  if (inDetails && event.key.length > 1) return false;
  return act(event.key, desk, items);
}

function escape(desk: Desk): boolean {
  const asked = desk.asking.get();
  desk.sheet.set(false);
  desk.asking.set(null);
  if (asked !== null) document.getElementById(`job-${asked}`)?.focus();
  return true;
}

function act(key: string, desk: Desk, items: Item[]): boolean {
  const current = desk.current.get();
  switch (key) {
    case "j":
    case "ArrowDown":
      return move(desk, items, 1);
    case "k":
    case "ArrowUp":
      return move(desk, items, -1);
    case "Home":
      return move(desk, items, -items.length);
    case "End":
      return move(desk, items, items.length);
    case "1":
    case "2":
      desk.tab(key === "1" ? "active" : "finished");
      return true;
    case "/":
      document.getElementById("search")?.focus();
      return true;
    case "?":
      desk.sheet.set(true);
      return true;
  }
  if (current === null) return false;
  switch (key) {
    case "Enter":
      desk.toggle(current);
      return true;
    case "p":
      desk.press(current, "pause");
      return true;
    case "r":
      desk.press(current, "resume or retry");
      return true;
    case "x":
      desk.press(current, "abort");
      return true;
    case "s":
      desk.openSettings(current);
      return true;
  }
  return false;
}

function move(desk: Desk, items: Item[], steps: number): boolean {
  const ids = items.flatMap((item) => (item.kind === "job" ? [item.id] : []));
  if (ids.length === 0) return false;
  const at = ids.indexOf(desk.current.get() ?? "");
  const from = at < 0 && steps > 0 ? -1 : at;
  desk.asking.set(null);
  desk.current.set(ids[Math.min(ids.length - 1, Math.max(0, from + steps))] ?? null);
  return true;
}
