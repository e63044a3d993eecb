// The menu of a row, by the right button of the mouse or the menu key: what can be done to the job,
// or to all that are selected if it is one of them.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { askingAll } from "./actionbar.tsx";
import { Cell, useCell } from "./cell.ts";
import { type Desk, useDesk } from "./desk.ts";
import { VERB_WORDS } from "./jobs.ts";
import { able, grab, inOrder, mayMove, move, nameOf, tellAll } from "./orders.ts";
import { addressOf } from "./route.ts";

const VERBS = ["pause", "resume", "retry", "abort"] as const;

interface Opened {
  id: string;
  x_px: number;
  y_px: number;
}

const opened = new Cell<Opened | null>(null);

export function openMenu(desk: Desk, id: string, event: MouseEvent): void {
  event.preventDefault();
  desk.current.set(id);
  const row = document.getElementById(`job-${id}`)?.getBoundingClientRect();
  const isByKey = event.clientX === 0 && event.clientY === 0;
  const [x_px, y_px] =
    isByKey && row ? [row.left + 60, row.bottom] : [event.clientX, event.clientY];
  opened.set({ id, x_px, y_px });
}

interface Entry {
  word: string;
  act: () => void;
}

export function ContextMenu() {
  const desk = useDesk();
  const now = useCell(opened);
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (now === null || menu.current === null) return undefined;
    place(menu.current, now);
    menu.current.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const elsewhere = (event: Event): void => {
      if (event.target instanceof Node && !menu.current?.contains(event.target)) opened.set(null);
    };
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [now]);
  useEffect(() => desk.route.watch(() => opened.set(null)), []);
  if (now === null) return null;
  const close = (): void => {
    opened.set(null);
    document.getElementById(`job-${now.id}`)?.focus({ preventScroll: true });
  };
  const choose = (entry: Entry): void => {
    close();
    entry.act();
  };
  const all = entries(desk, now.id);
  return (
    <div
      ref={menu}
      class="context-menu"
      role="menu"
      aria-label={nameOf(desk, desk.picking.with(now.id))}
      onKeyDown={(event) => onKey(event, menu.current, close)}
    >
      {all.map((entry) => (
        <button
          key={entry.word}
          type="button"
          role="menuitem"
          tabIndex={-1}
          onClick={() => choose(entry)}
        >
          {entry.word}
        </button>
      ))}
    </div>
  );
}

function place(menu: HTMLElement, { x_px, y_px }: Opened): void {
  const { offsetWidth, offsetHeight } = menu;
  menu.style.left = `${Math.max(4, Math.min(x_px, window.innerWidth - offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y_px, window.innerHeight - offsetHeight - 4))}px`;
}

function entries(desk: Desk, id: string): Entry[] {
  const ids = inOrder(desk, desk.picking.with(id));
  const isOne = ids.length === 1;
  const commands = VERBS.flatMap((verb): Entry[] => {
    const jobs = able(desk, ids, verb);
    if (jobs.length === 0) return [];
    const word = VERB_WORDS[verb].word + (isOne ? "" : ` ${jobs.length} jobs`);
    const ask = (): void => (isOne ? desk.press(id, "abort") : askingAll.set(true));
    return [{ word, act: verb === "abort" ? ask : () => void tellAll(desk, jobs, verb) }];
  });
  const isActive = desk.route.get().tab === "active";
  const places: Entry[] = [
    { word: "To the top", act: () => void move(desk, ids, { to: "top" }) },
    { word: "To the bottom", act: () => void move(desk, ids, { to: "bottom" }) },
    ...(mayMove(desk) ? [{ word: "Move by keyboard", act: () => grab(desk, ids) }] : []),
  ];
  const single: Entry[] = [
    { word: "Open or close", act: () => desk.toggle(id) },
    { word: "Own page", act: () => desk.visit(addressOf(id)) },
    { word: "Why", act: () => desk.visit(addressOf(id, "why")) },
    { word: "Settings", act: () => desk.openSettings(id) },
    { word: "Copy id", act: () => copy(desk, id) },
  ];
  return [...commands, ...(isActive ? places : []), ...(isOne ? single : [])];
}

function copy(desk: Desk, id: string): void {
  const refused = (): void => desk.toast(`The browser does not let this page copy: it is ${id}`);
  // Over plain HTTP from another machine there is no clipboard.
  if (navigator.clipboard === undefined) refused();
  else navigator.clipboard.writeText(id).catch(refused);
}

function onKey(event: KeyboardEvent, menu: HTMLElement | null, close: () => void): void {
  event.stopPropagation();
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    return close();
  }
  const items = [...(menu?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const goal = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  items.at(goal % items.length)?.focus();
}
