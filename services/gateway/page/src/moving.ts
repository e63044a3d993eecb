// Jobs on their way to another place, by mouse or by keyboard: which they are, and the slot where
// they would land. What a slot means is slots.ts's.

import { Cell } from "./cell.ts";
import type { Landing, Slot } from "./slots.ts";

export interface Moving {
  ids: ReadonlySet<string>;
  isByKey: boolean;
  /** Null where they would not land anywhere. */
  slot: Slot | null;
  landing: Landing | null;
}

export const moving = new Cell<Moving | null>(null);

/** `medium [3]`, or of several `medium [3–5]`. */
export function words({ ids, landing }: Moving): string {
  if (landing === null) return "";
  const last = landing.place + ids.size - 1;
  const places = ids.size > 1 ? `${landing.place}–${last}` : String(landing.place);
  return `${landing.queue} [${places}]`;
}
