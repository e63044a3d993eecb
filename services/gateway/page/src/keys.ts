// The page by keyboard. Keys that belong to a field or to the browser are left alone.

import { useLayoutEffect, useRef } from "preact/hooks";

import { askingAll } from "./actionbar.tsx";
import type { Desk } from "./desk.ts";
import { moving } from "./moving.ts";
import {
  able,
  carry,
  grab,
  inOrder,
  land,
  letGo,
  move as moveJobs,
  nudge,
  tellAll,
} from "./orders.ts";
import { type Item, jobsOf } from "./view.ts";
import { PLACES } from "./views.ts";

export const SHORTCUTS: readonly [string, string][] = [
  ["↓ j", "next job"],
  ["↑ k", "previous job"],
  ["Home End", "first, last job"],
  ["Enter", "open or close the job"],
  ["p", "pause"],
  ["r", "resume or retry"],
  ["x", "abort (asks first)"],
  ["t b", "to the top, the bottom of its queue"],
  ["m", "take up and carry by arrows; Enter puts down, Esc cancels"],
  ["Alt+↑ Alt+↓", "one place up, down"],
  ["Space", "select"],
  ["Shift+↑ Shift+↓", "select on and on"],
  ["Ctrl+A", "select all"],
  ["s", "settings of the job"],
  ["1 2", "active, finished jobs"],
  ["n", "new job"],
  ...PLACES.map((one): [string, string] => [`g ${one.key}`, `to ${one.word.toLowerCase()}`]),
  ["/", "search"],
  ["Esc", "leave the search, take back a question, select nothing, close this"],
  ["?", "this list"],
];

/** Keys that mean a row of the list, not a job. */
const OF_ROWS = ["Enter", " ", "m"];

export function useKeys(desk: Desk, items: Item[]): void {
  const newest = useRef(items);
  newest.current = items;
  // Before the first paint: who sees a row may press a key.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented) return;
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
  return (
    target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select")
  );
}

function inField(event: KeyboardEvent, desk: Desk): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.target instanceof HTMLElement && event.target.id !== "search") return false;
  if (event.key !== "Escape" && event.key !== "ArrowDown" && event.key !== "Enter") return false;
  if (event.target instanceof HTMLElement) event.target.blur();
  if (event.key === "Escape") desk.go({ search: "" });
  return true;
}

function inPage(event: KeyboardEvent, desk: Desk, items: Item[]): boolean {
  const inControl =
    event.target instanceof Element && event.target.closest("button, a, label, input");
  const inDetails = event.target instanceof Element && event.target.closest(".details");
  if (moving.get()?.isByKey) return carried(event, desk);
  if (event.key === "Escape") return escape(desk);
  if (desk.sheet.get()) return false;
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return !inDetails && withModifier(event, desk, items);
  }
  if (inControl && (event.key === "Enter" || event.key === " ")) return false;
  if (inDetails && event.key.length > 1) return false;
  if (event.shiftKey && /^Arrow(Up|Down)$/.test(event.key)) return extend(event.key, desk, items);
  return act(event.key, desk, items);
}

function withModifier(event: KeyboardEvent, desk: Desk, items: Item[]): boolean {
  const current = desk.current.get();
  if (event.altKey && current !== null && /^Arrow(Up|Down)$/.test(event.key)) {
    void nudge(desk, desk.picking.with(current), event.key === "ArrowUp" ? -1 : 1);
    return true;
  }
  if (event.altKey || event.key !== "a" || items.length === 0) return false;
  desk.picking.all(jobsOf(items));
  return true;
}

/** The current job and the next one are picked too. */
function extend(key: string, desk: Desk, items: Item[]): boolean {
  const order = jobsOf(items);
  const from = desk.current.get();
  if (from !== null && desk.picking.ids.get().size === 0) desk.picking.toggle(from);
  move(desk, items, key === "ArrowDown" ? 1 : -1);
  const to = desk.current.get();
  if (to !== null) desk.picking.extend(to, order);
  return true;
}

/** Keys while jobs are carried: all others rest. */
function carried({ key }: KeyboardEvent, desk: Desk): boolean {
  const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, Home: -1e6, End: 1e6 }[key];
  if (steps !== undefined) carry(desk, steps);
  else if (key === "Enter" || key === "m" || key === " ") void land(desk);
  else if (key === "Escape") letGo(desk);
  return key !== "Tab";
}

function escape(desk: Desk): boolean {
  const asked = desk.asking.get();
  desk.sheet.set(false);
  desk.asking.set(null);
  if (asked !== null) document.getElementById(`job-${asked}`)?.focus();
  else if (askingAll.get()) askingAll.set(false);
  else desk.picking.clear();
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
  }
  if (current === null || (desk.route.get().job !== null && OF_ROWS.includes(key))) return false;
  switch (key) {
    case "Enter":
      desk.toggle(current);
      return true;
    case " ":
      desk.picking.toggle(current);
      return true;
    case "p":
    case "r":
    case "x":
      command(key, desk, current);
      return true;
    case "t":
    case "b":
      place(key, desk, current);
      return true;
    case "m":
      grab(desk, desk.picking.with(current));
      return true;
    case "s":
      desk.openSettings(current);
      return true;
  }
  return false;
}

/** To all that are picked, or to the current job. */
function command(key: "p" | "r" | "x", desk: Desk, current: string): void {
  const picked = [...desk.picking.ids.get()];
  if (picked.length === 0) {
    const one = { p: "pause", r: "resume or retry", x: "abort" } as const;
    return desk.press(current, one[key]);
  }
  if (key === "x") return askingAll.set(true);
  const verbs = key === "p" ? (["pause"] as const) : (["resume", "retry"] as const);
  for (const verb of verbs) void tellAll(desk, able(desk, picked, verb), verb);
}

function place(key: "t" | "b", desk: Desk, current: string): void {
  const ids = inOrder(desk, desk.picking.with(current));
  if (desk.route.get().tab === "active") {
    void moveJobs(desk, ids, { to: key === "t" ? "top" : "bottom" });
  }
}

function move(desk: Desk, items: Item[], steps: number): boolean {
  const ids = jobsOf(items);
  if (ids.length === 0) return false;
  const at = ids.indexOf(desk.current.get() ?? "");
  const from = at < 0 && steps > 0 ? -1 : at;
  desk.asking.set(null);
  desk.current.set(ids[Math.min(ids.length - 1, Math.max(0, from + steps))] ?? null);
  return true;
}
