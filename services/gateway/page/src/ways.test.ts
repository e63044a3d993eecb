// Which buttons stand beside a reason.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Job, Me, Reason } from "./resources.ts";
import { ways, waysOn } from "./ways.ts";

const JOB = { id: "a", status: "waiting", queue: "low" } as Job;
const AHEAD = { id: "b", name: "rush", status: "running", queue: "high" } as Job;
const EMPLOYEE: Me = { name: "anna", role: "employee" };
const USER: Me = { name: "otto", role: "user" };
const HOLDER = { kind: "job", id: "b", name: "rush" };

function words(reason: Partial<Reason>, me: Me | null = EMPLOYEE, known = AHEAD): string[] {
  const whole: Reason = { code: "", text: "", holder: null, since: null, release: "", ...reason };
  return ways(JOB, whole, me, (id) => (id === known.id ? known : undefined)).map(
    (way) => way.words,
  );
}

test("who is behind a job can go above it where that queue lets it, or hold the other", () => {
  const release = "rush ends, or this job is moved above it";
  const behind = { code: "behind_job", holder: HOLDER, release };
  assert.deepEqual(words(behind), ["Move above rush", "Pause rush"]);
  const higher = "rush ends, or this job is moved to a queue of higher priority than high";
  assert.deepEqual(words({ ...behind, release: higher }), ["Move to another queue", "Pause rush"]);
  assert.deepEqual(words({ ...behind, release: "rush ends" }), ["Pause rush"]);
});

test("another's job that the viewer may not see has no buttons", () => {
  const known = { ...AHEAD, id: "c" };
  assert.deepEqual(words({ code: "no_free_lane", holder: HOLDER }, USER, known), []);
});

test("a paused queue is resumed by who may, and left by everybody", () => {
  const paused = { code: "queue_paused", holder: { kind: "queue", id: "q", name: "low" } };
  assert.deepEqual(words(paused), ["Resume queue low", "Move to another queue"]);
  assert.deepEqual(words(paused, USER), ["Move to another queue"]);
  assert.deepEqual(words(paused, null), ["Move to another queue"]);
});

test("a job that is waited for is sent on its way again once it failed", () => {
  const waits = { code: "waiting_for_job", holder: HOLDER };
  assert.deepEqual(words(waits), []);
  assert.deepEqual(words(waits, EMPLOYEE, { ...AHEAD, status: "failed" }), ["Retry rush"]);
  assert.deepEqual(words(waits, EMPLOYEE, { ...AHEAD, status: "paused" }), ["Resume rush"]);
  assert.deepEqual(words(waits, EMPLOYEE, { ...AHEAD, status: "done" }), []);
});

test("what only a machine or the clock can end has no button", () => {
  assert.deepEqual(words({ code: "endpoint_offline" }), []);
  assert.deepEqual(words({ code: "backing_off" }), ["Retry now"]);
  const avoided = { code: "avoided", release: "this job is paused and resumed, or …" };
  assert.deepEqual(words(avoided), ["Pause and resume"]);
  assert.deepEqual(words({ code: "avoided", release: "compute_avoid is set to disable" }), []);
});

test("a job that stands still is sent on its way", () => {
  assert.deepEqual(
    waysOn({ ...JOB, status: "paused" }).map((way) => way.words),
    ["Resume"],
  );
  assert.deepEqual(
    waysOn({ ...JOB, status: "failed" }).map((way) => way.words),
    ["Retry"],
  );
  assert.deepEqual(waysOn({ ...JOB, status: "running" }), []);
});
