// `node --test`: which row wins, and where it stands.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Board } from "./board.ts";
import type { Job, Queue } from "./resources.ts";
import type { Message } from "./sse.ts";
import { byDay, byQueue, flat, matches } from "./view.ts";

mock.timers.enable({ apis: ["setTimeout"] });

const JOB: Job = {
  id: "a",
  name: "shot010",
  kind: "transfer",
  status: "running",
  reason: null,
  queue: "medium",
  position: 1,
  progress: 0.5,
  size: 100,
  bytes_done: 50,
  bytes_per_second: 10,
  eta_s: 5,
  tasks_total: 4,
  tasks_done: 2,
  tasks_failed: 0,
  source: "hq:projects/shot010/",
  destination: "stockholm:in/shot010/",
  user: "anna",
  error_class: null,
  error_message: null,
  tries: 1,
  created_at: "2026-11-22T10:00:00Z",
  started_at: null,
  finished_at: null,
  retry_at: null,
  sequence: 10,
  version: 10,
  place: "a1",
  failures: {},
  estimate: null,
  limit: null,
  tasks_onhold: 0,
  tasks_excluded: 0,
  compute: null,
  depends_on: [],
  archived: false,
  removed: 0,
  size_removed: 0,
  timing: null,
  route: null,
  relay: null,
  awaited: 0,
  listed: true,
};

function board(): { board: Board; told: string[] } {
  const told: string[] = [];
  const moved = (to: string, isNew: boolean): void => {
    told.push(isNew ? `new ${to}` : to);
  };
  const voided = (): void => {
    told.push("void");
  };
  const archived = (): void => {
    told.push("archived");
  };
  return { board: new Board((flush) => flush(), { moved, archived, voided }), told };
}

function message(event: string, data: unknown): Message {
  return { event, data: JSON.stringify(data), id: "" };
}

function queue(code: string, priority: number): Queue {
  const counts = { jobs_waiting: 0, jobs_running: 0 };
  const defaults = { default: false, compute_default: false, metadata: {} };
  const rest = { description: "", status: "waiting", sequence: 1, ...defaults, ...counts };
  return { id: code, code, priority, ...rest };
}

test("a deleted queue is gone and stays so", () => {
  const { board: known } = board();
  known.takeQueues([queue("high", 9), queue("low", 1)]);
  known.take([message("queue", { ...queue("low", 1), sequence: 5, status: "deleted" })]);
  known.takeQueues([queue("high", 9), queue("low", 1)]);
  assert.deepEqual(
    known.queues.get().map((one) => one.code),
    ["high"],
  );
});

test("jobs go with their queue when it gets another code", () => {
  const { board: known } = board();
  known.takeQueues([queue("medium", 5), queue("low", 1)]);
  known.takeJob({ ...JOB, queue: "medium" });
  known.takeJob({ ...JOB, id: "b", queue: "low" });
  const [one, other] = [queue("medium", 5), queue("low", 1)];
  known.take([
    message("queue", { ...one, sequence: 5, code: "low" }),
    message("queue", { ...other, sequence: 5, code: "medium" }),
  ]);
  const codes = [...known.jobs.values()].map((cell) => cell.get().queue);
  assert.deepEqual(codes, ["low", "medium"]);
});

test("an older row never overwrites a newer one", () => {
  const { board: known } = board();
  known.takeJob({ ...JOB, sequence: 12, status: "paused" });
  known.take([message("job", JOB)]);
  assert.equal(known.jobs.get("a")?.get().status, "paused");
});

test("a job that is archived while it is looked at leaves the lists", () => {
  const { board: known, told } = board();
  const done: Job = { ...JOB, status: "done" };
  known.takeJob(done);
  known.take([message("job", { ...done, sequence: 11, archived: true })]);
  known.take([message("job", { ...done, id: "b", sequence: 11, archived: true })]);
  assert.deepEqual([[...known.jobs.keys()], told], [[], ["archived"]]);
  known.takeJob({ ...done, sequence: 11, archived: true });
  assert.deepEqual([...known.jobs.keys()], ["a"], "whoever has its link sees it");
});

test("a tick moves a running job and no other", () => {
  const tick = {
    id: "a",
    bytes_done: 60,
    bytes_per_second: 9,
    eta_s: 4,
    progress: 0.6,
    tasks_done: 3,
  };
  const { board: known } = board();
  known.takeJob(JOB);
  known.take([message("progress", tick)]);
  assert.equal(known.jobs.get("a")?.get().progress, 0.6);
  known.take([message("job", { ...JOB, sequence: 11, status: "paused", progress: 0.6 })]);
  known.take([message("progress", { ...tick, progress: 0.9 })]);
  assert.equal(known.jobs.get("a")?.get().progress, 0.6);
});

test("a tick from before a row in the same batch is void", () => {
  const { board: known } = board();
  known.takeJob(JOB);
  const tick = {
    id: "a",
    bytes_done: 99,
    bytes_per_second: 9,
    eta_s: 4,
    progress: 0.99,
    tasks_done: 3,
  };
  known.take([message("progress", tick), message("job", { ...JOB, sequence: 11, progress: 0.1 })]);
  assert.equal(known.jobs.get("a")?.get().progress, 0.1);
});

test("a job that is done stays in sight a little, and is counted where it went", () => {
  const { board: known, told } = board();
  known.takeJob(JOB);
  known.take([message("job", { ...JOB, sequence: 11, status: "done" })]);
  assert.ok((known.lingering.get("a") ?? 0) > Date.now());
  assert.deepEqual(told, ["finished"]);
});

test("a log shorter than the one seen before is another log, and a reset voids all", () => {
  const { board: known, told } = board();
  known.take([message("position", { sequence: 40 })]);
  known.take([message("position", { sequence: 41 })]);
  known.takeJob(JOB);
  assert.deepEqual(told, []);
  known.take([message("position", { sequence: 3 })]);
  assert.deepEqual([told, known.jobs.size, known.position], [["void"], 0, 0]);
  known.takeJob(JOB);
  known.take([message("reset", {})]);
  assert.deepEqual(told, ["void"], "it waits for the position from which the stream goes on");
  known.take([message("position", { sequence: 90 })]);
  assert.deepEqual([told, known.jobs.size], [["void", "void"], 0]);
});

test("queues stand by priority and their jobs by place, empty ones where asked for", () => {
  const queues = [queue("low", 1), queue("high", 999), queue("medium", 500)];
  const jobs = [
    { ...JOB, id: "1", queue: "low", place: "Zz" },
    { ...JOB, id: "2", queue: "high", place: "a1" },
    { ...JOB, id: "3", queue: "low", place: "a0" },
    { ...JOB, id: "4", queue: "high", place: "a0V" },
  ];
  const keys = (withEmpty: boolean) =>
    flat(byQueue([...jobs], queues, withEmpty)).map((i) => i.key);
  assert.deepEqual(keys(false), ["queue:high", "4", "2", "queue:low", "1", "3"]);
  assert.deepEqual(keys(true), ["queue:high", "4", "2", "queue:medium", "queue:low", "1", "3"]);
});

test("finished jobs stand by day, the newest first", () => {
  const now = new Date(2026, 10, 22, 12).getTime();
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString();
  const jobs = [
    { ...JOB, id: "1", finished_at: at(21, 9) },
    { ...JOB, id: "2", finished_at: at(22, 8) },
    { ...JOB, id: "3", finished_at: at(22, 11) },
  ];
  const groups = byDay(jobs, now).map((group) => [group.title, group.jobs.map((job) => job.id)]);
  assert.deepEqual(groups, [
    ["Today", ["3", "2"]],
    ["Yesterday", ["1"]],
  ]);
});

test("the search looks at name, paths, user and id", () => {
  for (const needle of ["SHOT", "hq:proj", "stockholm", "anna", "a", " shot010 ", ""]) {
    assert.ok(matches(JOB, needle), needle);
  }
  assert.ok(!matches(JOB, "berlin"));
});
