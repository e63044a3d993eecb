// Which rows a list has, in which order.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Job } from "./resources.ts";
import { read, UNFILTERED } from "./route.ts";
import { byStatus, isWanted, retries, sorted } from "./view.ts";

function job(id: string, changes: Partial<Job>): Job {
  const plain = { id, name: id, queue: "low", place: id, status: "waiting", failures: {} };
  return { ...plain, eta_s: null, ...changes } as Job;
}

test("sorting goes both ways and leaves what has no value at the end", () => {
  const jobs = [job("a", { eta_s: 30 }), job("b", {}), job("c", { eta_s: 5 })];
  const ids = (isDown: boolean) => sorted(jobs, { key: "left", isDown }).map((one) => one.id);
  assert.deepEqual(ids(false), ["c", "a", "b"]);
  assert.deepEqual(ids(true), ["a", "c", "b"]);
});

test("what moves stands first where status is the group", () => {
  const jobs = [job("a", {}), job("b", { status: "failed" }), job("c", { status: "running" })];
  assert.deepEqual(
    byStatus(jobs, []).map((group) => group.title),
    ["running", "waiting", "failed"],
  );
});

test("filters let through what all of them name", () => {
  const one = job("a", { status: "running", kind: "compute", user: "anna" });
  assert.equal(isWanted(one, UNFILTERED), true);
  assert.equal(isWanted(one, read("/", "?status=running,failed&user=anna&kind=compute")), true);
  assert.equal(isWanted(one, read("/", "?status=failed")), false);
  assert.equal(isWanted(one, read("/", "?queue=high")), false);
});

test("retries are counted over all causes", () => {
  assert.equal(retries(job("a", { failures: { network: 2, space: 1 } })), 3);
});
