// The log of a job: every event of its life, in words, growing at the end while it is open.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { get } from "./api.ts";
import { Time } from "./clock.tsx";
import * as format from "./format.ts";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Job, LogLine, LogPage } from "./resources.ts";

const PAGE = 200;
const PAGES_MAX = 25;
const REST_MS = 200;
const NEAR_PX = 30;

export function JobLog({ job }: { job: Job }) {
  const { lines, error, hasOlder, readOlder } = useLog(job);
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const told = useMemo(() => lines?.filter((one) => fits(one, text, kind)), [lines, text, kind]);
  const { box, scrolled } = useEnd(told, readOlder);
  return (
    <>
      <div class="filter">
        <input
          type="search"
          aria-label="Filter the log by text"
          placeholder="Filter by text"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Kinds lines={lines ?? []} kind={kind} onChoose={setKind} />
        {lines !== null && (text || kind) && (
          <span class="aside" role="status">
            {format.count(told?.length ?? 0)} of {format.count(lines.length)} lines
            {hasOlder && " read so far"}
          </span>
        )}
        {hasOlder && (
          <button type="button" onClick={readOlder}>
            Read older
          </button>
        )}
      </div>
      <div
        class="log"
        ref={box}
        onScroll={scrolled}
        tabIndex={0}
        role="log"
        aria-label={`Log of ${shown(job.name)}`}
      >
        {error !== null && <p class="aside">{error}</p>}
        {told?.map((line) => (
          <Line key={keyOf(line)} line={line} />
        ))}
        {lines === null && error === null && <p class="aside">Reading the log …</p>}
        {lines !== null && told?.length === 0 && <p class="aside">No line is like that.</p>}
      </div>
    </>
  );
}

interface KindsProps {
  lines: readonly LogLine[];
  kind: string;
  onChoose: (kind: string) => void;
}

function Kinds({ lines, kind, onChoose }: KindsProps) {
  const kinds = [...new Set([...lines.map((one) => one.type), kind])].filter(Boolean).sort();
  return (
    <select
      aria-label="Filter the log by kind of event"
      value={kind}
      onChange={(event) => onChoose(event.currentTarget.value)}
    >
      <option value="">all kinds</option>
      {kinds.map((one) => (
        <option key={one}>{one}</option>
      ))}
    </select>
  );
}

function Line({ line }: { line: LogLine }) {
  const [isRaw, setRaw] = useState(false);
  return (
    <div class="line" data-type={line.type}>
      <Time at={line.at} seconds />
      <span title={line.type}>{shown(line.text)}</span>
      <bdi class="aside">{shown(line.who)}</bdi>
      <button
        type="button"
        class="quiet"
        title="As it is stored"
        aria-label={`JSON of: ${shown(line.text)}`}
        aria-expanded={isRaw}
        onClick={() => setRaw(!isRaw)}
      >
        {"{}"}
      </button>
      {isRaw && <pre>{shownLines(JSON.stringify(raw(line), null, 2))}</pre>}
    </div>
  );
}

/** The event as the feed has it; its words are ours. */
function raw({ text: _text, who: _who, ...stored }: LogLine): object {
  return stored;
}

function shownLines(text: string): string {
  return text.split("\n").map(shown).join("\n");
}

function fits(line: LogLine, text: string, kind: string): boolean {
  if (kind && line.type !== kind) return false;
  const needle = text.trim().toLowerCase();
  return !needle || `${line.text}\n${line.who}\n${line.type}`.toLowerCase().includes(needle);
}

/** Stays at the end while the reader is there; near the beginning what is older is read. */
function useEnd(lines: unknown, readOlder: () => void) {
  const box = useRef<HTMLDivElement>(null);
  const fromEnd = useRef(0);
  useLayoutEffect(() => {
    const { current } = box;
    if (current) current.scrollTop = current.scrollHeight - current.clientHeight - fromEnd.current;
  }, [lines]);
  const scrolled = (): void => {
    const { current } = box;
    if (!current) return;
    const left_px = current.scrollHeight - current.clientHeight - current.scrollTop;
    fromEnd.current = left_px < NEAR_PX ? 0 : left_px;
    if (left_px > 0 && current.scrollTop < NEAR_PX) readOlder();
  };
  return { box, scrolled };
}

/** The newest lines; newer ones when the job's row has a newer event, older ones when asked for. */
function useLog(job: Job) {
  const [lines, setLines] = useState<LogLine[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [wantsOlder, setWantsOlder] = useState(0);
  const known = useRef(new Known());
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      if (wantsOlder > known.current.olderReads) await known.current.readOlder(job.id, signal);
      else await known.current.readNewer(job.id, signal);
      setLines(known.current.sorted());
      setError(null);
    } catch (failure) {
      if (!signal.aborted) setError(words(failure));
    }
  };
  useAgain(read, REST_MS, [job.sequence, wantsOlder]);
  const readOlder = (): void => {
    if (known.current.older !== null) setWantsOlder(known.current.olderReads + 1);
  };
  return { lines, error, hasOlder: known.current.older !== null, readOlder };
}

class Known {
  /** The cursor to what lies before the oldest line here; null when that is the first. */
  older: string | null = null;
  olderReads = 0;
  private readonly lines = new Map<string, LogLine>();

  /** The newest page, and those before it until they meet what is known. */
  async readNewer(job: string, signal: AbortSignal): Promise<void> {
    const isFirst = this.lines.size === 0;
    let cursor: string | null = null;
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const page: LogPage = await readPage(job, cursor, signal);
      const isMet = page.lines.some((line) => this.lines.has(keyOf(line)));
      this.add(page);
      if (isFirst) this.older = page.next;
      if (isFirst || isMet || page.next === null) return;
      cursor = page.next;
    }
  }

  async readOlder(job: string, signal: AbortSignal): Promise<void> {
    this.olderReads += 1;
    if (this.older === null) return;
    const page = await readPage(job, this.older, signal);
    this.add(page);
    this.older = page.next;
  }

  sorted(): LogLine[] {
    const lines = [...this.lines.values()];
    return lines.sort((a, b) => a.sequence - b.sequence || a.index - b.index);
  }

  private add(page: LogPage): void {
    for (const line of page.lines) this.lines.set(keyOf(line), line);
  }
}

function readPage(job: string, cursor: string | null, signal: AbortSignal): Promise<LogPage> {
  const query = new URLSearchParams({ order: "newest", limit: String(PAGE) });
  if (cursor !== null) query.set("cursor", cursor);
  return get<LogPage>(`/api/jobs/${job}/log?${query}`, signal);
}

function keyOf(line: LogLine): string {
  return `${line.sequence}.${line.index}`;
}
