// What is typed in the form of a new job, and what the API is told.

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { again, BLANK, body, literal } from "./draft.ts";
import type { Job, LogLine, Setting } from "./resources.ts";

const STALL = { name: "stall_s", low: 5, choices: [] } as unknown as Setting;

test("a transfer of one source names it, of several lists them", () => {
  const draft = { ...BLANK, sources: ["hq:a/x"], destination: " sto:b/ ", name: " " };
  const told = body(draft, []);
  deepEqual([told.source, told.destination, told.name], ["hq:a/x", "sto:b/", null]);
  deepEqual(body({ ...draft, sources: ["hq:a/x", "hq:a/y"] }, []).source, ["hq:a/x", "hq:a/y"]);
});

test("settings that are empty are left out, and numbers are numbers", () => {
  const settings = { stall_s: " 60 ", transfer_include: "", transfer_mode: "copy" };
  const told = body({ ...BLANK, settings, after: "a1, b2\nc3" }, [STALL]);
  deepEqual(told.settings, { stall_s: 60, transfer_mode: "copy" });
  deepEqual(told.depends_on, ["a1", "b2", "c3"]);
});

test("filters stand between commas and variables on lines", () => {
  const typed = { filters: "ram:>32g, site:a+b ,", environment: "A=b=c\n\nEMPTY\n" };
  const told = body({ ...BLANK, kind: "compute", command: "x", ...typed }, []);
  deepEqual(told.filters, ["ram:>32g", "site:a+b"]);
  deepEqual(told.environment, { A: "b=c", EMPTY: "" });
});

test("a name that looks like a sequence is taken as it is", () => {
  equal(literal("a/50%d[1].exr"), "a/50\\%d\\[1\\].exr");
});

test("a transfer is submitted again with all its sources and its own settings", () => {
  const parts = [{ path: "a/p.%04d.exr", frames: "1-9" }, { path: "b[1]" }];
  const data = { work: { parts } };
  const held = [
    { name: "stall_s", source: "job", value: 60 },
    { name: "x", source: "queue" },
  ];
  const first = { type: "job.submitted", data } as unknown as LogLine;
  const row = { name: "n", queue: "low", depends_on: ["d"], compute: null, destination: "sto:b/" };
  const draft = again({ ...row, source: "hq:v/shot" } as unknown as Job, first, held as Setting[]);
  deepEqual(draft.sources, ["hq:v/shot/a/p.%04d.exr[1-9]", "hq:v/shot/b\\[1\\]"]);
  deepEqual([draft.settings, draft.after, draft.queue], [{ stall_s: "60" }, "d", "low"]);
  deepEqual(again({ ...row, source: "hq:v/50%d" } as unknown as Job, undefined, []).sources, [
    "hq:v/50\\%d",
  ]);
});

test("a compute job is submitted again as it was", () => {
  const environment = { A: "1", B: "" };
  const compute = { command: "r", range: "1-9", filters: ["x", "y"], environment, cwd: "v/p" };
  const row = { name: "n", queue: "low", depends_on: [], compute } as unknown as Job;
  const told = body(again(row, undefined, []), []);
  deepEqual(told.environment, environment);
  deepEqual([told.filters, told.cwd, told.range], [["x", "y"], "v/p", "1-9"]);
});
