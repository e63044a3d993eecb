// What a row says of a job, and how far it is.

import assert from "node:assert/strict";
import { test } from "node:test";

import { progress, situation } from "./jobs.ts";
import type { Job } from "./resources.ts";

const RUNNING = {
  status: "running",
  compute: null,
  listed: true,
  progress: 0.5,
  bytes_done: 1000,
  size: 2000,
} as Job;

test("a job that is still being listed has no percentage yet", () => {
  assert.equal(progress(RUNNING), 0.5);
  assert.equal(progress({ ...RUNNING, listed: false }), null);
  assert.equal(progress({ ...RUNNING, listed: false, status: "done" }), 1);
});

test("what was found so far is said to be that", () => {
  assert.equal(situation(RUNNING, 0), "1.00 kB of 2.00 kB");
  const found = "1.00 kB of 2.00 kB found so far, still listing";
  assert.equal(situation({ ...RUNNING, listed: false }, 0), found);
});
