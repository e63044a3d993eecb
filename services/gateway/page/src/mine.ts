// The viewer's own jobs: which one the ring shows, what the tab says, and which of them just ended.
// Pure.

import { tabOf } from "./board.ts";
import * as format from "./format.ts";
import { progress } from "./jobs.ts";
import { shown } from "./names.ts";
import type { Job, Status } from "./resources.ts";

const FINISHED_MAX = 50;
const FIRST: readonly Status[] = ["running", "init", "failed", "waiting", "paused"];

/** The one that runs longest; null where none runs. */
export function oldestRunning(jobs: Iterable<Job>, me: string): Job | null {
  let oldest: Job | null = null;
  for (const job of jobs) {
    if (job.user !== me || job.status !== "running") continue;
    if (oldest === null || since(job) < since(oldest)) oldest = job;
  }
  return oldest;
}

function since(job: Job): string {
  return `${job.started_at ?? job.created_at} ${job.id}`;
}

/** Active ones as they matter, finished ones newest first. */
export function mine(jobs: Iterable<Job>, me: string): { active: Job[]; finished: Job[] } {
  const all = [...jobs].filter((job) => job.user === me);
  const active = all.filter((job) => tabOf(job) === "active");
  const finished = all.filter((job) => tabOf(job) === "finished");
  const rank = (job: Job): number => FIRST.indexOf(job.status);
  active.sort((a, b) => rank(a) - rank(b) || (since(a) < since(b) ? -1 : 1));
  finished.sort((a, b) => ((a.finished_at ?? "") < (b.finished_at ?? "") ? 1 : -1));
  return { active, finished: finished.slice(0, FINISHED_MAX) };
}

/** `42 % · 59 s`: what the tab and the ring say of a running job. */
export function brief(job: Job): string {
  const share = progress(job);
  const left = job.eta_s === null ? "" : format.duration(job.eta_s);
  return [share === null ? "…" : format.percent(share), left].filter(Boolean).join(" · ");
}

/** Whether nothing more happens to it by itself, and how it ended. */
export function ending(job: Job): "done" | "failed" | null {
  if (job.status === "done") return "done";
  return job.status === "failed" && job.retry_at === null ? "failed" : null;
}

/** Those that ended since; a job that was not known before is no news. */
export function endedSince(known: ReadonlyMap<string, Status>, jobs: Iterable<Job>): Job[] {
  return [...jobs].filter((job) => {
    const before = known.get(job.id);
    return before !== undefined && before !== job.status && ending(job) !== null;
  });
}

export function news(job: Job): string {
  return `${shown(job.name)} ${ending(job) === "done" ? "is done" : "has failed"}`;
}

/** The tab's icon as a ring that is closed so far; `address` of the usual one where none runs. */
export function icon(share: number | null, address: string): string {
  if (share === null) return address;
  const length = (2 * Math.PI * 11).toFixed(2);
  const done = (2 * Math.PI * 11 * share).toFixed(2);
  const circle = (color: string, dashes: string): string =>
    `<circle cx="16" cy="16" r="11" fill="none" stroke="${color}" stroke-width="7" ${dashes}/>`;
  const ring = circle("#b9c4bd", "") + circle("#12805a", `stroke-dasharray="${done} ${length}"`);
  const turned = `<g transform="rotate(-90 16 16)">${ring}</g>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${turned}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
