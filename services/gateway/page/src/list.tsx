// The list of jobs: only what is in sight is in the document, however many jobs there are.

import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Details } from "./details.tsx";
import { GroupHead } from "./group.tsx";
import type { Job } from "./resources.ts";
import { Row } from "./row.tsx";
import { Ending, Nothing } from "./states.tsx";
import { byDay, byQueue, flat, isOn, type Item, matches } from "./view.ts";

const ROW_PX = 38;
const HEAD_PX = 40;
const DETAILS_PX = 360;
const NEAR_END = 40;
const AGAIN_MS = 10_000;
/** So many rows of all queues together, the first ones, are told when they move (see lines.py). */
const TOLD = 200;

export function List({ items }: { items: Item[] }) {
  const desk = useDesk();
  const { open, tab } = useCell(desk.route);
  const current = useCell(desk.current);
  const scroller = useRef<HTMLDivElement>(null);
  const height = (index: number): number => {
    const item = items[index];
    if (item?.kind !== "job") return HEAD_PX;
    return open.has(item.id) ? ROW_PX + DETAILS_PX : ROW_PX;
  };
  const { virtualizer, stuck } = useStickyVirtualizer(items, height, scroller);
  useEffect(() => follow(items, current, virtualizer.scrollToIndex), [current]);
  const shown = virtualizer.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last > items.length - NEAR_END) void desk.lists.more(tab);
  }, [last, items.length, tab]);
  useRefreshed(shown.map(({ index }) => items[index]));
  const stop = current ?? items.find((item) => item.kind === "job")?.key;
  return (
    <main
      class="scroller"
      ref={scroller}
      aria-label={tab === "active" ? "Active jobs" : "Finished jobs"}
    >
      <Nothing isEmpty={!items.some((item) => item.kind === "job")} />
      <div
        class="list"
        role="list"
        data-tab={tab}
        style={{ height: `${virtualizer.getTotalSize()}px` }}
      >
        {shown.map(({ index, key, start }) => (
          <div
            key={key}
            ref={virtualizer.measureElement}
            data-index={index}
            role="listitem"
            class={index === stuck.current ? "item stuck" : "item"}
            style={index === stuck.current ? {} : { transform: `translateY(${start}px)` }}
          >
            <ItemView item={items[index]} open={open} current={current} stop={stop} />
          </div>
        ))}
      </div>
      <Ending />
    </main>
  );
}

interface ItemViewProps {
  item: Item | undefined;
  open: ReadonlySet<string>;
  current: string | null;
  stop: string | undefined;
}

function ItemView({ item, open, current, stop }: ItemViewProps) {
  const { board } = useDesk();
  if (item === undefined) return null;
  if (item.kind === "group") return <GroupHead group={item.group} />;
  const cell = board.jobs.get(item.id);
  if (cell === undefined) return null;
  const isOpen = open.has(item.id);
  return (
    <>
      <Row cell={cell} isOpen={isOpen} isCurrent={item.id === current} isStop={item.id === stop} />
      {isOpen && <Details cell={cell} />}
    </>
  );
}

/** Of the rows in sight those deep in a line are read again now and then, while somebody looks. */
function useRefreshed(inSight: (Item | undefined)[]): void {
  const { board, lists } = useDesk();
  const seen = useRef(inSight);
  seen.current = inSight;
  useEffect(() => {
    const look = (): void => {
      const ids = seen.current.flatMap((item) => (item?.kind === "job" ? [item.id] : []));
      const told = TOLD / Math.max(1, board.queues.get().length);
      const deep = ids.filter((id) => isDeep(board.jobs.get(id)?.get(), told));
      if (deep.length && !document.hidden) void lists.again(deep).catch(() => undefined);
    };
    const timer = setInterval(look, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
}

/** Whether it stands so far back that the stream may not tell how. */
function isDeep(job: Job | undefined, told: number): boolean {
  return job?.status === "waiting" && (job.position === null || job.position > told);
}

/** What the list shows now; made again when rows come, go or move, not with progress. */
export function useItems(): Item[] {
  const { board, route } = useDesk();
  const shape = useCell(board.shape);
  const queues = useCell(board.queues);
  const { tab, search, empty, open } = useCell(route);
  return useMemo(() => {
    const now = Date.now();
    const jobs = [...board.jobs.values()].map((cell) => cell.get());
    const listed = jobs.filter(
      (job) => isOn(tab, job, board.lingering.get(job.id), now) && matches(job, search),
    );
    const groups =
      tab === "active" ? byQueue(listed, queues, empty && !search) : byDay(listed, now);
    return flat(groups);
  }, [shape, queues, tab, search, empty, open]);
}

/** A virtualizer that keeps the head of the group in sight at the top. */
function useStickyVirtualizer(
  items: Item[],
  height: (index: number) => number,
  scroller: { current: HTMLDivElement | null },
) {
  const stuck = useRef(0);
  const heads = useMemo(
    () => items.flatMap((item, index) => (item.kind === "group" ? [index] : [])),
    [items],
  );
  const rangeExtractor = useCallback(
    (range: Range) => {
      stuck.current = heads.findLast((head) => head <= range.startIndex) ?? 0;
      return [...new Set([stuck.current, ...defaultRangeExtractor(range)])].sort((a, b) => a - b);
    },
    [heads],
  );
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: height,
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 10,
    scrollPaddingStart: HEAD_PX,
    rangeExtractor,
  });
  return { virtualizer, stuck };
}

/** Bring the current row into sight, and the focus to it, when the keyboard moved it. */
function follow(items: Item[], current: string | null, scrollTo: (index: number) => void): void {
  const row = document.getElementById(`job-${current}`);
  if (current === null || row?.contains(document.activeElement)) return;
  const index = items.findIndex((item) => item.key === current);
  if (index < 0) return;
  scrollTo(index);
  requestAnimationFrame(() => {
    document.getElementById(`job-${current}`)?.focus({ preventScroll: true });
  });
}
