// Time on the screen: one shared second hand, and times with the exact one on hover.

import { Cell, useCell } from "./cell.ts";
import * as format from "./format.ts";

const second = new Cell(Date.now());
setInterval(() => second.set(Date.now()), 1_000);

/** Now, in ms; redraws the component every second. */
export function useNow(): number {
  return useCell(second);
}

interface TimeProps {
  at: string | number;
  /** With the seconds, where a log is read. */
  seconds?: boolean;
  /** The day is said elsewhere. */
  dayless?: boolean;
}

export function Time({ at, seconds = false, dayless = false }: TimeProps) {
  const text = seconds ? format.clockWithSeconds(at) : format.clock(at, dayless ? at : Date.now());
  return (
    <time dateTime={new Date(at).toISOString()} title={format.exact(at)}>
      {text}
    </time>
  );
}
