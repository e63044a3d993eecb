// `node --test`: tasks are picked one by one, in stretches, and all of a million at once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { all, count, extended, has, NOTHING, text, toggled } from "./selection.ts";

test("tasks are picked and dropped one by one, and told as ranges", () => {
  const picked = [4, 2, 3, 9].reduce(toggled, NOTHING);
  assert.equal(text(picked), "2-4,9");
  assert.equal(count(picked), 4);
  assert.equal(text(toggled(picked, 3)), "2,4,9");
  assert.equal(text([2, 3, 4, 9].reduce(toggled, picked)), "");
});

test("a selection is extended from the task that was picked last, either way", () => {
  const five = toggled(NOTHING, 5);
  assert.equal(text(extended(extended(five, 8), 2)), "2-8");
  assert.equal(text(extended(toggled(five, 20), 18)), "5,18-20");
  assert.equal(text(extended(NOTHING, 7)), "7");
});

test("all of a million is one range", () => {
  const everything = all(1_000_000);
  assert.equal(text(everything), "0-999999");
  assert.ok(has(everything, 999_999) && !has(everything, 1_000_000));
  assert.equal(text(toggled(everything, 500_000)), "0-499999,500001-999999");
  assert.equal(text(all(0)), "");
});
