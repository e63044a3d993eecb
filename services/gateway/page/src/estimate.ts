// When a job should start and end, in words. Pure. Always said as what it is: an estimate.

import * as format from "./format.ts";
import { shown } from "./names.ts";
import type { Job } from "./resources.ts";

const MINUTE_MS = 60_000;

/** Times in ms; `earliest` and `latest` are null together. */
export interface About {
  at: number;
  earliest: number | null;
  latest: number | null;
}

/** When a waiting job should start; null where nobody can say. */
export function start(job: Job, now: number): About | null {
  const { start_at = null, start_earliest = null, start_latest = null } = job.estimate ?? {};
  return job.status === "waiting" ? about(start_at, start_earliest, start_latest, now) : null;
}

/** When it should end. A running one's pace has the last word, as in its row. */
export function end(job: Job, now: number): About | null {
  const { end_at = null, end_earliest = null, end_latest = null } = job.estimate ?? {};
  if (job.status === "waiting") return about(end_at, end_earliest, end_latest, now);
  if (job.status !== "running") return null;
  const own = job.eta_s === null ? end_at : new Date(now + job.eta_s * 1000).toISOString();
  return about(own, end_earliest, end_latest, now);
}

/** An estimate is as old as its row: what it put before now is expected any moment. */
function about(
  at: string | null,
  earliest: string | null,
  latest: string | null,
  now: number,
): About | null {
  if (at === null) return null;
  const time = Math.max(Date.parse(at), now);
  if (earliest === null || latest === null) return { at: time, earliest: null, latest: null };
  return {
    at: time,
    earliest: Math.min(Math.max(Date.parse(earliest), now), time),
    latest: Math.max(Date.parse(latest), time),
  };
}

/** The short form of a row: `starts ~14:05`, `starts soon`, of a running one `ends ~14:20`. */
export function pill(job: Job, now: number): string {
  const [verb, when] =
    job.status === "running" ? ["ends", end(job, now)] : ["starts", start(job, now)];
  if (when === null) return "";
  return when.at - now < MINUTE_MS ? `${verb} soon` : `${verb} ~${format.clockOrDay(when.at, now)}`;
}

/** `about 14:05 (14:02–14:10)`, or `any moment (until 14:10)`. */
export function words({ at, earliest, latest }: About, now: number): string {
  const said = format.clock(at, now);
  const last = latest === null ? "" : format.clock(latest, now);
  if (at - now < MINUTE_MS) {
    return last && last !== said ? `any moment (until ${last})` : "any moment";
  }
  if (earliest === null || latest === null) return `about ${said}`;
  const first = format.clock(earliest, now);
  return first === last ? `about ${said}` : `about ${said} (${first}–${last})`;
}

/** All that is known, for a hover: empty where nothing is. */
export function whole(job: Job, now: number): string {
  const [starts, ends] = [start(job, now), end(job, now)];
  const said = [
    starts && `Starts ${words(starts, now)}`,
    ends && `Ends ${words(ends, now)}`,
    (starts ?? ends) && basis(job),
  ];
  return said.filter(Boolean).join("\n");
}

export function basis(job: Job): string {
  return shown(job.estimate?.basis ?? "");
}
