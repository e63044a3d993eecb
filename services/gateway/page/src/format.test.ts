// `node --test`: numbers as people read them.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "./format.ts";
import { shown } from "./names.ts";

test("a size has three digits and never says 1000 of a unit", () => {
  const said = [0, 1, 999, 999.6, 1_000, 1_234, 99_950, 999_499, 999_600, 4.2e10, 3e18];
  assert.deepEqual(said.map(format.size), [
    "0 B",
    "1 B",
    "999 B",
    "1.00 kB",
    "1.00 kB",
    "1.23 kB",
    "100 kB",
    "999 kB",
    "1.00 MB",
    "42.0 GB",
    "3000 PB",
  ]);
});

test("a limit says until when it holds, if the clock changes it", () => {
  const held = { bytes_per_second: 1e7, text: "10 MB/s by endpoint h\u001bq", until: null };
  const by = { kind: "endpoint", id: "1", name: "hq" };
  const now = Date.parse("2030-01-01T12:00:00Z");
  assert.equal(format.limit({ ...held, by }, now), "10 MB/s by endpoint h\\u{1b}q");
  const until = "2030-01-01T12:30:00Z";
  assert.match(format.limit({ ...held, by, until }, now), /q, until \d\d.\d\d$/);
});

test("100 percent is said of the whole only", () => {
  assert.deepEqual([0, 0.29, 0.999_999, 1, 1.2].map(format.percent), [
    "0 %",
    "29 %",
    "99 %",
    "100 %",
    "100 %",
  ]);
});

test("a duration has at most two units", () => {
  assert.deepEqual([0.4, 59.4, 60, 200, 3_900, 7_200, 183_600].map(format.duration), [
    "0 s",
    "59 s",
    "1 min",
    "3 min 20 s",
    "1 h 5 min",
    "2 h",
    "2 d 3 h",
  ]);
});

test("control, direction and unassigned characters of a name are spelt out", () => {
  assert.equal(shown("a\u202egpj.exe"), "a\\u{202e}gpj.exe");
  assert.equal(shown("tab\tnul\0 zwj\u200d"), "tab\\u{9}nul\\u{0} zwj\\u{200d}");
  assert.equal(shown("Größe 日本 \\xff 👩"), "Größe 日本 \\xff 👩");
});
