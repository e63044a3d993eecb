// The log of a job: every event of its life, in words, growing at the end while it is open.

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { get } from "./api.ts";
import { Time } from "./clock.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Job, LogLine, LogPage } from "./resources.ts";

const PAGE = 200;
const PAGES_MAX = 25;
const REST_MS = 200;
const NEAR_PX = 30;

export function JobLog({ job }: { job: Job }) {
  const { lines, error, readOlder } = useLog(job);
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
    if (current.scrollTop < NEAR_PX) readOlder();
  };
  return (
    <div
      class="log"
      ref={box}
      onScroll={scrolled}
      tabIndex={0}
      role="log"
      aria-label={`Log of ${shown(job.name)}`}
    >
      {error !== null && <p class="aside">{error}</p>}
      {lines?.map((line) => (
        <Line key={keyOf(line)} line={line} />
      ))}
      {lines === null && error === null && <p class="aside">Reading the log …</p>}
    </div>
  );
}

function Line({ line }: { line: LogLine }) {
  return (
    <p class="line" data-type={line.type} title={`${line.type} · ${line.sequence}.${line.index}`}>
      <Time at={line.at} seconds />
      <span>{shown(line.text)}</span>
      <bdi class="aside">{shown(line.who)}</bdi>
    </p>
  );
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
  return { lines, error, readOlder };
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
