// What a transfer would do, line by line as it is found out. Nothing is stored or moved.

import { useEffect, useState } from "preact/hooks";

import { eachLine } from "./api.ts";
import * as format from "./format.ts";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { PreviewFailed, PreviewLine, PreviewTotal } from "./resources.ts";

type Told = PreviewLine | PreviewTotal | PreviewFailed;
type What = Exclude<keyof PreviewTotal, "line" | "unread" | "refusal">;

const LINES_MAX = 500;
const WORDS: readonly [What, string][] = [
  ["created", "new"],
  ["changed", "replaced"],
  ["compared", "read at both ends to compare"],
  ["deleted", "deleted"],
  ["blocked", "would fail: something is in the way"],
  ["missing", "would fail: not at the source"],
  ["same", "there already"],
  ["kept", "left as it is"],
];
const BAD: readonly string[] = ["deleted", "blocked", "missing"];

interface Found {
  lines: PreviewLine[];
  count: number;
  total: PreviewTotal | null;
  failed: string;
}

const NOTHING: Found = { lines: [], count: 0, total: null, failed: "" };

/** Asked anew for another `told`; what is on its way for the one before is let go. */
export function Preview({ told }: { told: object }) {
  const [found, setFound] = useState(NOTHING);
  useEffect(() => {
    const leaving = new AbortController();
    let now = NOTHING;
    setFound(now);
    const timer = setInterval(() => setFound(now), 200);
    const take = (line: string): void => {
      now = taken(now, JSON.parse(line) as Told);
    };
    void eachLine("/api/jobs/preview", told, leaving.signal, take)
      .catch((error: unknown) => (now = { ...now, failed: words(error) }))
      .finally(() => {
        clearInterval(timer);
        if (!leaving.signal.aborted) setFound(now);
      });
    return () => leaving.abort();
  }, [told]);
  const { lines, count, total, failed } = found;
  return (
    <section class="preview" aria-label="What it would do">
      <h3>What it would do</h3>
      <div role="status">
        {failed && <p class="refusal">{shown(failed)}</p>}
        {total === null && !failed && <p>Comparing both ends … {format.count(count)} so far</p>}
        {total !== null && <Total total={total} />}
      </div>
      <ul>
        {lines.map((one) => (
          <li key={`${one.what} ${one.path}`} class={BAD.includes(one.what) ? "bad" : undefined}>
            <span>{one.what}</span> <bdi>{shown(one.path)}</bdi>{" "}
            <span class="aside">{one.kind === "file" ? format.size(one.size) : one.kind}</span>
          </li>
        ))}
      </ul>
      {count > lines.length && <p class="aside">and {format.count(count - lines.length)} more</p>}
    </section>
  );
}

function taken(found: Found, told: Told): Found {
  switch (told.line) {
    case "total":
      return { ...found, total: told };
    case "failed":
      return { ...found, failed: told.detail };
    case "file": {
      const lines = found.lines.length < LINES_MAX ? [...found.lines, told] : found.lines;
      return { ...found, lines, count: found.count + 1 };
    }
  }
}

function Total({ total }: { total: PreviewTotal }) {
  const said = WORDS.filter(([what]) => total[what].count > 0);
  return (
    <>
      <p>
        {said.length === 0 && "Nothing: there is nothing to move."}
        {said.map(([what, word], at) => (
          <span key={what} class={BAD.includes(what) ? "bad" : undefined}>
            {at > 0 && " · "}
            {format.count(total[what].count)} {word}
            {total[what].size > 0 && ` (${format.size(total[what].size)})`}
          </span>
        ))}
      </p>
      {total.unread > 0 && (
        <p class="bad">{format.count(total.unread)} folders of the source cannot be read.</p>
      )}
      {total.refusal && <p class="aside">Nothing would be deleted: {shown(total.refusal)}.</p>}
    </>
  );
}
