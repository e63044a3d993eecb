// The process log of a try: its newest lines, coloured, growing at the end; searched and saved.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { type Look, type Piece, pieces, plain } from "./ansi.ts";
import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Following } from "./following.ts";
import * as format from "./format.ts";
import { words } from "./lists.ts";
import type { OutputLine } from "./resources.ts";

const LINE_PX = 18;
const NEAR_PX = 24;

interface OutputProps {
  job: string;
  task: number;
  attempt: number;
}

export function Output({ job, task, attempt }: OutputProps) {
  const following = useMemo(() => new Following(job, task, attempt), [job, task, attempt]);
  useEffect(() => {
    void following.follow();
    return () => following.stop();
  }, [following]);
  const { lines, isOver, error } = useCell(following.told);
  const [needle, setNeedle] = useState("");
  const [at, setAt] = useState(0);
  const found = useMemo(() => matching(lines, needle), [lines, needle]);
  const here = found[Math.min(at, found.length - 1)] ?? null;
  const step = (by: number): void => setAt((at + by + found.length) % Math.max(1, found.length));
  return (
    <section class="output" aria-label={`Process log of try ${attempt}`}>
      <div class="filter">
        <input
          type="search"
          aria-label="Search the process log"
          placeholder="Search"
          onInput={(event) => {
            setNeedle(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1)}
        />
        {needle && (
          <span class="aside" role="status">
            {found.length === 0
              ? "not found"
              : `${format.count(found.indexOf(here ?? -1) + 1)} of ${format.count(found.length)}`}
          </span>
        )}
        <span class="aside" data-over={isOver}>
          {isOver ? `${format.count(lines.length)} lines` : "live"}
        </span>
        <Save following={following} name={`${job}-task-${task}-try-${attempt}.log`} />
      </div>
      {error !== null && <p class="aside">{error}</p>}
      <Lines lines={lines} found={found} here={here} isOver={isOver} />
    </section>
  );
}

/** Numbers of the lines, as they stand here, that hold the needle in any case of letters. */
function matching(lines: readonly OutputLine[], needle: string): number[] {
  const wanted = needle.trim().toLowerCase();
  if (!wanted) return [];
  return lines.flatMap(({ text }, at) => (plain(text).toLowerCase().includes(wanted) ? [at] : []));
}

function Save({ following, name }: { following: Following; name: string }) {
  const desk = useDesk();
  const [isBusy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      offer(await following.whole(), name);
    } catch (error) {
      desk.toast(`Could not read the whole log: ${words(error)}`);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" disabled={isBusy} onClick={() => void save()}>
      Download
    </button>
  );
}

function offer(text: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

interface LinesProps {
  lines: readonly OutputLine[];
  found: readonly number[];
  here: number | null;
  isOver: boolean;
}

/** Stays at the end while the reader is there. */
function Lines({ lines, found, here, isOver }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const looks = useMemo(() => drawn(lines), [lines]);
  const marked = useMemo(() => new Set(found), [found]);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  useEffect(() => {
    if (here === null && isAtEnd.current && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [lines.length, here]);
  useEffect(() => {
    if (here !== null) virtualizer.scrollToIndex(here, { align: "center" });
  }, [here]);
  const scrolled = (): void => {
    const { current } = box;
    if (current === null) return;
    const left_px = current.scrollHeight - current.clientHeight - current.scrollTop;
    isAtEnd.current = left_px < NEAR_PX;
  };
  return (
    <div
      ref={box}
      class="lines"
      tabIndex={0}
      role="log"
      aria-label="What it wrote"
      onScroll={scrolled}
    >
      {lines.length === 0 && <p class="aside">{isOver ? "It wrote nothing." : "Nothing yet."}</p>}
      <div style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            class="line"
            data-found={index === here ? "here" : marked.has(index) ? "" : undefined}
            style={{ transform: `translateY(${start}px)` }}
            title={title(lines[index])}
          >
            {looks[index]?.map((piece, at) => (
              <Coloured key={at} piece={piece} />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

function title(line: OutputLine | undefined): string | undefined {
  if (line === undefined) return undefined;
  const gap = line.dropped ? `, ${format.count(line.dropped)} lines before it were dropped` : "";
  return `line ${line.number + 1}, ${format.clockWithSeconds(line.at)}${gap}`;
}

function drawn(lines: readonly OutputLine[]): Piece[][] {
  let look: Look | undefined;
  return lines.map((line) => {
    const told = pieces(line.text, look);
    look = told.end;
    return told.pieces;
  });
}

function Coloured({ piece: { text, look } }: { piece: Piece }) {
  const [color, ground] = look.isInverse
    ? [look.ground ?? "var(--ground)", look.color ?? "var(--text)"]
    : [look.color, look.ground];
  const names = [
    look.isBold && "bold",
    look.isFaint && "faint",
    look.isItalic && "italic",
    look.isUnderlined && "underlined",
  ];
  return (
    <span
      class={names.filter(Boolean).join(" ") || undefined}
      style={{
        ...(color !== null && { color: paint(color) }),
        ...(ground !== null && { backgroundColor: paint(ground) }),
      }}
    >
      {text}
    </span>
  );
}

function paint(color: number | string): string {
  return typeof color === "number" ? `var(--ansi-${color})` : color;
}
