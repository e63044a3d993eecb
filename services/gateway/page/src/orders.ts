// What the viewer tells about several jobs at once, and where they are put.

import { commandMove, get, type Verb, type Whereto } from "./api.ts";
import type { Desk } from "./desk.ts";
import { verbs } from "./jobs.ts";
import { words } from "./lists.ts";
import { moving, words as place } from "./moving.ts";
import { shown } from "./names.ts";
import type { Job, JobPage } from "./resources.ts";
import { above, landing, type Slot, slots } from "./slots.ts";

const AT_ONCE = 6;
const MOVED_AT_ONCE = 1_000;
const READ_AT_ONCE = 200;

/** Of these jobs those that it can be done to now. */
export function able(desk: Desk, ids: Iterable<string>, verb: Verb): Job[] {
  const jobs = [...ids].flatMap((id) => desk.board.jobs.get(id)?.get() ?? []);
  return jobs.filter((job) => verbs(desk.statusOf(job)).includes(verb));
}

/** A command a job: each is refused or done by itself. A few at a time. */
export async function tellAll(desk: Desk, jobs: readonly Job[], verb: Verb): Promise<void> {
  const left = [...jobs];
  const one = async (): Promise<void> => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) await desk.tell(job, verb);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  if (jobs.length > 1) desk.said.set(`${verb} ${jobs.length} jobs`);
}

/** Move jobs, which keep their order among themselves; then read them as they stand. */
export async function move(desk: Desk, ids: readonly string[], whereto: Whereto): Promise<void> {
  const name = nameOf(desk, ids);
  try {
    let where = whereto;
    for (let at = 0; at < ids.length; at += MOVED_AT_ONCE) {
      const some = ids.slice(at, at + MOVED_AT_ONCE);
      const done = await commandMove(some, where);
      await settle(desk, some, done.sequence);
      // What comes next goes behind what went before.
      where = { after: some.at(-1) ?? "" };
    }
    desk.said.set(`${name} moved`);
  } catch (error) {
    desk.toast(`Could not move ${name}: ${words(error)}`);
  }
}

/** A list in the order of its queues is one that jobs can be moved in. */
export function mayMove(desk: Desk): boolean {
  const { tab, byStatus, sort, job } = desk.route.get();
  return tab === "active" && !byStatus && sort === null && job === null;
}

/** As they stand in the list; those that are not on it after the others. */
export function inOrder(desk: Desk, ids: readonly string[]): string[] {
  const wanted = new Set(ids);
  const listed = desk.listing.items.map((item) => item.key).filter((key) => wanted.delete(key));
  return [...listed, ...wanted];
}

/** What moves is over a slot now. */
export function toSlot(desk: Desk, slot: Slot | null): void {
  const now = moving.get();
  if (now === null) return;
  if (now.slot?.key === slot?.key && now.slot?.isInto === slot?.isInto) return;
  const lands = slot === null ? null : landing(desk.listing.groups, slot, now.ids);
  moving.set({ ...now, slot, landing: lands });
}

/** Take jobs up by keyboard: from here on arrows carry them. */
export function grab(desk: Desk, ids: readonly string[]): void {
  const [first] = inOrder(desk, ids);
  if (first === undefined || !mayMove(desk)) return;
  moving.set({ ids: new Set(ids), isByKey: true, slot: null, landing: null });
  toSlot(desk, above(desk.listing.items, first));
  tellPlace(desk, `${nameOf(desk, ids)} taken up: arrows carry, Enter puts down, Escape cancels.`);
}

/** To the next slot that is another place than this one. */
export function carry(desk: Desk, steps: number): void {
  const all = slots(desk.listing.items);
  const now = moving.get();
  const at = all.findIndex((slot) => slot.key === now?.slot?.key);
  const by = Math.sign(steps);
  let goal = Math.min(all.length - 1, Math.max(0, at + steps));
  while (now?.ids.has(all[goal]?.key ?? "") && all[goal + by] !== undefined) goal += by;
  toSlot(desk, all[goal] ?? null);
  tellPlace(desk, "");
}

function tellPlace(desk: Desk, before: string): void {
  const now = moving.get();
  const where = now?.landing
    ? `place ${now.landing.place} of queue ${shown(now.landing.queue)}`
    : "nowhere";
  desk.said.set(`${before} ${where}`.trim());
}

export function letGo(desk: Desk): void {
  moving.set(null);
  desk.said.set("Not moved.");
}

/** Put down what moves, where it is. */
export async function land(desk: Desk): Promise<void> {
  const now = moving.get();
  moving.set(null);
  if (now?.landing == null) return;
  await move(desk, inOrder(desk, [...now.ids]), now.landing.whereto);
  desk.said.set(`${nameOf(desk, [...now.ids])} moved to ${place(now)}`);
}

/** One place up or down in its queue. */
export async function nudge(desk: Desk, ids: readonly string[], by: 1 | -1): Promise<void> {
  if (!mayMove(desk)) return;
  grab(desk, ids);
  // The slot above the first is where they are; one down is behind the next.
  carry(desk, by === -1 ? -1 : ids.length + 1);
  await land(desk);
}

export function nameOf(desk: Desk, ids: readonly string[]): string {
  const first = desk.board.jobs.get(ids[0] ?? "")?.get().name ?? "the job";
  return ids.length === 1 ? shown(first) : `${ids.length} jobs`;
}

async function settle(desk: Desk, ids: readonly string[], sequence: number): Promise<void> {
  for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
    const some = ids.slice(at, at + READ_AT_ONCE).join(",");
    desk.board.takePage(await get<JobPage>(`/api/jobs?ids=${some}&at_least=${sequence}`));
  }
}
