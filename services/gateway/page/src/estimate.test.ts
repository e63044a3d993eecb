// `node --test`: when a job should start and end, as people read it.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as estimate from "./estimate.ts";
import type { Job } from "./resources.ts";

const NOW = Date.parse("2026-03-04T12:00:00");
const BASIS = "measured on 7 finished transfers";

function at(minutes: number): string {
  return new Date(NOW + minutes * 60_000).toISOString();
}

function job(status: string, eta_s: number | null = null): Job {
  const times = {
    start_at: at(10),
    start_earliest: at(5),
    start_latest: at(20),
    end_at: at(30),
    end_earliest: at(25),
    end_latest: at(60),
  };
  return { status, eta_s, estimate: { ...times, runs: 7, basis: BASIS } } as unknown as Job;
}

test("a waiting job says when it should start, with the interval on hover", () => {
  assert.equal(estimate.pill(job("waiting"), NOW), "starts ~12:10");
  assert.equal(
    estimate.whole(job("waiting"), NOW),
    `Starts about 12:10 (12:05–12:20)\nEnds about 12:30 (12:25–13:00)\n${BASIS}`,
  );
});

test("what is expected before now is expected any moment", () => {
  const late = NOW + 12 * 60_000;
  assert.equal(estimate.pill(job("waiting"), late), "starts soon");
  assert.match(estimate.whole(job("waiting"), late), /^Starts any moment \(until 12:20\)\n/);
  assert.match(estimate.whole(job("waiting"), NOW + 3_600_000 * 5), /^Starts any moment\n/);
});

test("a running job ends when its own pace says, and the interval holds that time", () => {
  const ends = estimate.end(job("running", 7_200), NOW);
  assert.deepEqual(ends, {
    at: NOW + 7_200_000,
    earliest: Date.parse(at(25)),
    latest: NOW + 7_200_000,
  });
  assert.equal(estimate.end(job("running"), NOW)?.at, Date.parse(at(30)));
  assert.equal(estimate.pill(job("running"), NOW), "ends ~12:30");
});

test("a job that nobody can estimate says nothing", () => {
  const unknown = { status: "waiting", eta_s: null, estimate: null } as unknown as Job;
  assert.equal(estimate.pill(unknown, NOW), "");
  assert.equal(estimate.whole(unknown, NOW), "");
  assert.equal(estimate.whole(job("paused"), NOW), "");
});
