// What the viewer tells about several jobs at once.

import { commandMove, get, type Verb, type Whereto } from "./api.ts";
import type { Desk } from "./desk.ts";
import { verbs } from "./jobs.ts";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Job, JobPage } from "./resources.ts";

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
export async function move(
  desk: Desk,
  ids: readonly string[],
  whereto: Whereto,
): Promise<void> {
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
