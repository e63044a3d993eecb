// The parts of a time and the shape of a pace.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Timing } from "./resources.ts";
import { area, parts } from "./timing.ts";

const NOTHING: Timing = {
  listing_s: 0,
  reading_s: 0,
  network_s: 0,
  limited_s: 0,
  writing_s: 0,
  verifying_s: 0,
  bytes_saved: 0,
  bottleneck: null,
  share: null,
  text: null,
};

test("the parts of the time are told with their shares, what cannot be seen is left out", () => {
  assert.deepEqual(parts(NOTHING), []);
  const told = parts({ ...NOTHING, reading_s: 6, writing_s: 4, verifying_s: 0.01 });
  assert.deepEqual(
    told.map(({ part, share }) => [part, Math.round(share * 100)]),
    [
      ["reading", 60],
      ["writing", 40],
    ],
  );
});

test("a listing has a share where it is what took the longest", () => {
  const told = { ...NOTHING, listing_s: 3, writing_s: 1 };
  assert.deepEqual(parts(told).map(({ part }) => part), ["writing"]);
  const both = parts({ ...told, bottleneck: "listing" });
  assert.deepEqual(both.map(({ share }) => share), [0.75, 0.25]);
});

test("the area of a pace begins and ends on the ground", () => {
  assert.equal(area([0, 10, 5], 30, 10), "M0 10L0.0 10.0H10.0L10.0 0.0H20.0L20.0 5.0H30.0V10Z");
  assert.equal(area([0], 30, 10), "M0 10L0.0 10.0H30.0V10Z");
});
