// What a job's row says in words, and what may be done with it. Pure.

import * as format from "./format.ts";
import type { Verb } from "./api.ts";
import { shown } from "./names.ts";
import type { Job, Status } from "./resources.ts";

export const STATUS_WORDS: Record<Status, string> = {
  init: "listing",
  waiting: "waiting",
  running: "running",
  paused: "paused",
  failed: "failed",
  aborted: "aborted",
  done: "done",
};

/** What a job is expected to be once the command is stored. */
export const EXPECTED: Record<Verb, Status> = {
  pause: "paused",
  resume: "waiting",
  retry: "waiting",
  abort: "aborted",
};

/** What a button says, and its key. */
export const VERB_WORDS: Record<Verb, { word: string; key: string }> = {
  pause: { word: "Pause", key: "p" },
  resume: { word: "Resume", key: "r" },
  retry: { word: "Retry", key: "r" },
  abort: { word: "Abort", key: "x" },
};

const VERBS: Record<Status, readonly Verb[]> = {
  init: ["pause", "abort"],
  waiting: ["pause", "abort"],
  running: ["pause", "abort"],
  paused: ["resume", "abort"],
  failed: ["retry", "abort"],
  aborted: ["retry"],
  done: ["retry"],
};

export function verbs(status: Status): readonly Verb[] {
  return VERBS[status];
}

/** The one line that a row has for "what is going on". */
export function situation(job: Job, now: number): string {
  switch (job.status) {
    case "init":
      return reason(job) ?? "listing the source";
    case "waiting":
      return reason(job) ?? "waiting for its turn";
    case "running":
      return done(job);
    case "paused":
      return job.bytes_done > 0 ? `paused at ${format.size(job.bytes_done)}` : "paused";
    case "failed":
      return [failure(job), retry(job, now)].filter(Boolean).join(" · ");
    case "aborted":
      return job.bytes_done > 0 ? `aborted at ${format.size(job.bytes_done)}` : "aborted";
    case "done":
      return finished(job);
  }
}

function done(job: Job): string {
  if (job.compute === null) {
    const found = job.listed ? "" : " found so far, still listing";
    return `${format.size(job.bytes_done)} of ${format.size(job.size)}${found}`;
  }
  const lanes = [...new Set(job.compute.lanes.map(shown))].join(", ");
  const frames = `${format.count(job.tasks_done)} of ${format.count(job.tasks_total)} frames`;
  return lanes ? `${frames}, on ${lanes}` : frames;
}

/** 0 to 1 of all there is; null while nobody knows how much that is. */
export function progress(job: Job): number | null {
  if (job.status === "done") return 1;
  return job.listed ? job.progress : null;
}

function finished(job: Job): string {
  const took_s = elapsed_s(job);
  if (took_s === null) return "done";
  const speed = took_s > 0 && job.size > 0 ? `, ${format.rate(job.size / took_s)}` : "";
  return `done in ${format.took(took_s)}${speed}`;
}

export function elapsed_s(job: Job): number | null {
  if (job.started_at === null || job.finished_at === null) return null;
  return (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000;
}

export function reason(job: Job): string | null {
  if (job.reason === null) return null;
  const { text, since } = job.reason;
  return shown(text) + (since === null ? "" : `, since ${format.clock(since)}`);
}

export function failure(job: Job): string {
  return shown(job.error_message || job.error_class || "failed");
}

export function retry(job: Job, now: number): string {
  if (job.retry_at === null) return "";
  const left_s = (Date.parse(job.retry_at) - now) / 1000;
  return left_s > 0 ? `tries again in ${format.duration(left_s)}` : "tries again now";
}

/** How often it failed, by class, the most frequent first: `network 2, space 1`. */
export function failures(job: Job): string {
  const causes = Object.entries(job.failures);
  causes.sort(([one, n], [other, m]) => m - n || (one < other ? -1 : 1));
  return causes.map(([cause, count]) => `${cause} ${format.count(count)}`).join(", ");
}

/** Whether it holds a place in its queue; one that backs off keeps its place. */
export function isInLine(job: Job): boolean {
  const stands = job.status === "init" || job.status === "waiting" || job.status === "running";
  return stands || (job.status === "failed" && job.retry_at !== null);
}
