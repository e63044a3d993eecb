// The ring, the drawer and the news of one's own jobs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { brief, endedSince, icon, mine, oldestRunning } from "./mine.ts";
import type { Job, Status } from "./resources.ts";

function job(id: string, status: Status, changes: Partial<Job> = {}): Job {
  const plain = { id, name: id, status, user: "anna", created_at: `2026-11-22T10:0${id}:00Z` };
  return { ...plain, started_at: null, finished_at: null, retry_at: null, ...changes } as Job;
}

test("the ring is about my job that runs longest", () => {
  const jobs = [
    job("1", "waiting"),
    job("2", "running", { started_at: "2026-11-22T11:00:00Z" }),
    job("3", "running", { started_at: "2026-11-22T10:30:00Z" }),
    job("0", "running", { user: "otto", started_at: "2026-11-22T09:00:00Z" }),
  ];
  assert.equal(oldestRunning(jobs, "anna")?.id, "3");
  assert.equal(oldestRunning(jobs, "nobody"), null);
});

test("mine are those that move first, and those that ended last first", () => {
  const jobs = [
    job("1", "waiting"),
    job("2", "running"),
    job("3", "done", { finished_at: "2026-11-22T10:00:00Z" }),
    job("4", "aborted", { finished_at: "2026-11-22T12:00:00Z" }),
    job("5", "running", { user: "otto" }),
  ];
  const { active, finished } = mine(jobs, "anna");
  assert.deepEqual(
    active.map((one) => one.id),
    ["2", "1"],
  );
  assert.deepEqual(
    finished.map((one) => one.id),
    ["4", "3"],
  );
});

test("an end is news once, and a failure that is tried again is none", () => {
  const known = new Map<string, Status>([
    ["1", "running"],
    ["2", "running"],
    ["3", "done"],
    ["4", "running"],
  ]);
  const jobs = [
    job("1", "done"),
    job("2", "failed", { retry_at: "2026-11-22T10:00:00Z" }),
    job("3", "done"),
    job("4", "failed"),
    job("5", "done"),
  ];
  assert.deepEqual(
    endedSince(known, jobs).map((one) => one.id),
    ["1", "4"],
  );
});

test("the tab says how far it is and how long it takes", () => {
  const running = job("1", "running", { listed: true, progress: 0.42, eta_s: 59 });
  assert.equal(brief(running), "42 % · 59 s");
  assert.equal(brief({ ...running, listed: false, eta_s: null }), "…");
  assert.match(icon(0.5, "/favicon.svg"), /^data:image\/svg\+xml,.*34\.56%2069\.12/);
  assert.equal(icon(null, "/favicon.svg"), "/favicon.svg");
});
