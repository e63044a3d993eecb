// What an address means, both ways.

import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, read, write } from "./route.ts";

test("an address that was written is read the same", () => {
  const address =
    "/?state=finished&search=a+b&status=done,aborted&kind=compute&user=anna&queue=high" +
    "&queues=all&group=status&sort=-size&job=a&job=b";
  const [path = "", query = ""] = address.split("?");
  assert.equal(write(read(path, `?${query}`)), address);
  assert.equal(write(read("/", "")), "/");
  assert.equal(write(read("/jobs/abc", "?show=why")), "/jobs/abc?show=why");
  assert.equal(addressOf("abc"), "/jobs/abc");
});

test("what an address does not mean is left out", () => {
  const route = read("/jobs/a/b", "?sort=-nothing&status=asleep,running&show=else&state=x");
  assert.equal(route.job, null);
  assert.equal(route.sort, null);
  assert.deepEqual([...route.statuses], ["running"]);
  assert.equal(write(route), "/?status=running");
});
