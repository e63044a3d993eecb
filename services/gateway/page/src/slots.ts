// Where jobs can be put down: below each row and each head of a queue, or into a queue as a whole.
// Pure: from the list as it stands to the command that gets there.

import type { Whereto } from "./api.ts";
import { isInLine } from "./jobs.ts";
import type { Job } from "./resources.ts";
import type { Group, Item } from "./view.ts";

/** Below the item `key`; or, on the head of a queue, at the bottom of that queue. */
export interface Slot {
  key: string;
  isInto: boolean;
}

export interface Landing {
  whereto: Whereto;
  queue: string;
  /** The place in the queue that the first of them will have, from 1. */
  place: number;
}

/** Every slot that the keyboard can reach, in the order of the list. */
export function slots(items: readonly Item[]): Slot[] {
  const isOfQueue = (item: Item): boolean => item.kind === "job" || item.group.queue !== null;
  return items.filter(isOfQueue).map(({ key }) => ({ key, isInto: false }));
}

/** The slot above an item: below the one before it. Above the first head there is none. */
export function above(items: readonly Item[], key: string): Slot | null {
  const at = items.findIndex((item) => item.key === key);
  const before = items[at - 1];
  return before === undefined ? null : { key: before.key, isInto: false };
}

/** What a slot means for these jobs; null where they cannot be put. */
export function landing(
  groups: readonly Group[],
  slot: Slot,
  ids: ReadonlySet<string>,
): Landing | null {
  const group = groups.find(({ key, jobs }) => key === slot.key || jobs.some(is(slot.key)));
  if (group?.queue == null) return null;
  const { code } = group.queue;
  const others = group.jobs.filter((job) => isInLine(job) && !ids.has(job.id));
  const end = group.jobs.findIndex(is(slot.key)) + 1;
  const before = slot.isInto
    ? others
    : group.jobs.slice(0, end).filter((job) => isInLine(job) && !ids.has(job.id));
  const place = before.length + 1;
  return { whereto: beside(code, slot, before.at(-1), others), queue: code, place };
}

/** A neighbour has to stand in line; without one an end of the queue says enough. */
function beside(queue: string, slot: Slot, before: Job | undefined, others: Job[]): Whereto {
  if (before !== undefined && !slot.isInto) return { after: before.id };
  return { queue, to: slot.isInto || others.length === 0 ? "bottom" : "top" };
}

function is(id: string): (job: Job) => boolean {
  return (job) => job.id === id;
}
