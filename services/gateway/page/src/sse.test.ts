// `node --test`: what the stream's text means, however the network cuts it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Parser } from "./sse.ts";

const TEXT =
  'event: job\ndata: {"id":"1"}\n\n: still here\n\n' +
  "id: 7\r\nevent: position\r\ndata: {}\r\n\r\n";

test("a stream is the same messages wherever it is cut", () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const parser = new Parser();
    const messages = [...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))];
    assert.deepEqual(messages, [
      { event: "job", data: '{"id":"1"}', id: "" },
      { event: "position", data: "{}", id: "7" },
    ]);
  }
});

test("data of several lines is one text, and a comment alone is nothing", () => {
  assert.deepEqual(new Parser().push(": hello\n\ndata: a\ndata:b\n\n"), [
    { event: "message", data: "a\nb", id: "" },
  ]);
});
