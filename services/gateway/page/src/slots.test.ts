// What a place between rows means.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Job, Queue } from "./resources.ts";
import { above, landing, slots } from "./slots.ts";
import { byQueue, flat } from "./view.ts";

const QUEUES = [
  { id: "h", code: "high", priority: 9 },
  { id: "l", code: "low", priority: 1 },
] as Queue[];

function job(id: string, queue: string, place: string, status = "waiting"): Job {
  return { id, name: id, queue, place, status, retry_at: null } as Job;
}

const GROUPS = byQueue(
  [
    job("a", "high", "a1", "running"),
    job("b", "high", "a2"),
    job("p", "high", "a3", "paused"),
    job("c", "high", "a4"),
    job("x", "low", "a1"),
  ],
  QUEUES,
  true,
);

function put(key: string, ids: string[], isInto = false) {
  return landing(GROUPS, { key, isInto }, new Set(ids));
}

test("between two jobs is behind the upper one", () => {
  assert.deepEqual(put("a", ["x"]), { whereto: { after: "a" }, queue: "high", place: 2 });
});

test("below the head of a queue is its top, on the head its bottom", () => {
  const top = { whereto: { queue: "high", to: "top" }, queue: "high", place: 1 };
  assert.deepEqual(put("queue:high", ["x"]), top);
  const bottom = { whereto: { queue: "high", to: "bottom" }, queue: "high", place: 4 };
  assert.deepEqual(put("queue:high", ["x"], true), bottom);
  assert.deepEqual(put("c", ["x"])?.whereto, { after: "c" });
});

test("a job that is not in line is no neighbour", () => {
  assert.deepEqual(put("p", ["x"]), { whereto: { after: "b" }, queue: "high", place: 3 });
});

test("the jobs that move are not beside themselves", () => {
  assert.deepEqual(put("b", ["b", "x"])?.whereto, { after: "a" });
  assert.deepEqual(put("a", ["a"])?.whereto, { queue: "high", to: "top" });
  assert.deepEqual(put("x", ["x"])?.whereto, { queue: "low", to: "bottom" });
});

test("slots are below each head and each row", () => {
  const items = flat(GROUPS);
  assert.deepEqual(
    slots(items).map((slot) => slot.key),
    ["queue:high", "a", "b", "p", "c", "queue:low", "x"],
  );
  assert.equal(above(items, "queue:high"), null);
  assert.equal(above(items, "x")?.key, "queue:low");
});
