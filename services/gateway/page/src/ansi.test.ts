// Colours and control sequences of a process log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces, plain, PLAIN } from "./ansi.ts";

test("text without sequences is one plain piece", () => {
  assert.deepEqual(pieces("frame 1001"), {
    pieces: [{ text: "frame 1001", look: PLAIN }],
    end: PLAIN,
  });
});

test("colours and weight hold until they are reset, on the next line too", () => {
  const first = pieces("a\x1b[1;31mred", PLAIN);
  assert.deepEqual(
    first.pieces.map(({ text, look }) => [text, look.color, look.isBold]),
    [
      ["a", null, false],
      ["red", 1, true],
    ],
  );
  const second = pieces("still\x1b[mno more", first.end);
  assert.deepEqual(
    second.pieces.map(({ text, look }) => [text, look.color]),
    [
      ["still", 1],
      ["no more", null],
    ],
  );
});

test("bright, indexed and true colours are understood", () => {
  const colors = ["91", "38;5;9", "38;5;196", "38;5;232", "38;2;1;2;255"].map(
    (code) => pieces(`\x1b[${code}mx`).pieces[0]?.look.color,
  );
  assert.deepEqual(colors, [9, 9, "#ff0000", "#080808", "#0102ff"]);
  assert.equal(pieces("\x1b[48;5;4;1mx").pieces[0]?.look.isBold, true);
});

test("what is no colour is left out, and what was written over is gone", () => {
  const noise = "\x1b[2K\x1b]0;title\x07\x1b[1Gdone\x1b(B";
  assert.equal(plain(noise), "done");
  assert.equal(plain("10 %\r20 %\r30 %"), "30 %");
  assert.equal(plain("a line of Windows\r"), "a line of Windows");
  assert.equal(pieces("\x1b[32m10 %\r20 %").pieces[0]?.look.color, 2);
});

test("a log cannot turn the direction of the screen's text", () => {
  assert.equal(pieces("a\u202eb").pieces[0]?.text, "a\\u{202e}b");
  assert.equal(pieces("a\tb").pieces[0]?.text, "a\tb");
});
