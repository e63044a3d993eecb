// The columns that a row can have: their words, their measures, and what sorts by them.

import { useMemo } from "preact/hooks";

import { Cell, useCell } from "./cell.ts";
import { prefs } from "./prefs.ts";
import type { SortKey } from "./route.ts";

export type ColumnKey =
  | "way"
  | "situation"
  | "queue"
  | "user"
  | "created"
  | "size"
  | "retries"
  | "tasks"
  | "percent"
  | "speed"
  | "left";

export interface Column {
  key: ColumnKey;
  word: string;
  /** As a track of a grid. */
  width: string;
  /** In a window that is narrower it is left out, in pixels. */
  from: number;
  sort: SortKey | null;
  isNumber?: boolean;
}

export const COLUMNS: readonly Column[] = [
  { key: "way", word: "From › to", width: "minmax(150px, 1.4fr)", from: 941, sort: null },
  {
    key: "situation",
    word: "What it does",
    width: "minmax(120px, 2.4fr)",
    from: 0,
    sort: "status",
  },
  { key: "queue", word: "Queue", width: "minmax(60px, 0.5fr)", from: 1000, sort: "queue" },
  { key: "user", word: "User", width: "minmax(60px, 0.5fr)", from: 1000, sort: "user" },
  { key: "created", word: "Created", width: "96px", from: 1000, sort: "created", isNumber: true },
  { key: "size", word: "Size", width: "76px", from: 1000, sort: "size", isNumber: true },
  { key: "retries", word: "Retries", width: "52px", from: 1000, sort: "retries", isNumber: true },
  { key: "tasks", word: "Tasks", width: "96px", from: 1181, sort: "tasks", isNumber: true },
  { key: "percent", word: "%", width: "46px", from: 0, sort: "progress", isNumber: true },
  { key: "speed", word: "Speed", width: "80px", from: 0, sort: "speed", isNumber: true },
  { key: "left", word: "Time left", width: "96px", from: 0, sort: "left", isNumber: true },
];

/** Expander, checkbox, icons and name stand before the columns, the actions behind them. */
const BEFORE = "20px 18px 40px minmax(120px, 1.2fr)";
const BEHIND = "66px";

const width = new Cell(window.innerWidth);
window.addEventListener("resize", () => width.set(window.innerWidth));

/** Those that are shown now, and the grid that they stand in. */
export function useColumns(): { columns: readonly Column[]; grid: string } {
  const { columns: chosen } = useCell(prefs);
  const room = useCell(width);
  const key = COLUMNS.filter((one) => one.from <= room && chosen.includes(one.key))
    .map((one) => one.key)
    .join();
  return useMemo(() => {
    const columns = COLUMNS.filter((one) => key.split(",").includes(one.key));
    return { columns, grid: [BEFORE, ...columns.map((one) => one.width), BEHIND].join(" ") };
  }, [key]);
}
