// Which command goes out when.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Turns } from "./turns.ts";

test("a command waits for the one before it about the same thing, and for no other", async () => {
  const turns = new Turns();
  const said: string[] = [];
  let answer = (): void => undefined;
  const first = turns.take("a", () => new Promise((resolve) => (answer = () => resolve())));
  const second = turns.take("a", async () => void said.push("a again"));
  await turns.take("b", async () => void said.push("b"));
  assert.deepEqual(said, ["b"]);
  answer();
  await Promise.all([first, second]);
  assert.deepEqual(said, ["b", "a again"]);
});
