// The list of jobs: only what is in sight is in the document, however many jobs there are.

import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { useCell } from "./cell.ts";
import { type Column, useColumns } from "./columns.ts";
import { useDesk } from "./desk.ts";
import { Details } from "./details.tsx";
import { useDragging } from "./drag.ts";
import { GroupHead } from "./group.tsx";
import { Heads } from "./heads.tsx";
import { moving } from "./moving.ts";
import { prefs } from "./prefs.ts";
import type { Job, Queue } from "./resources.ts";
import { Row } from "./row.tsx";
import { Ending, Nothing } from "./states.tsx";
import type { Route } from "./route.ts";
import {
  byDay,
  byQueue,
  byStatus,
  flat,
  type Group,
  isOn,
  isWanted,
  type Item,
  matches,
  resorted,
  sorted,
  together,
} from "./view.ts";

const ROW_PX = 38;
const DENSE_PX = 28;
const HEAD_PX = 40;
const DETAILS_PX = 360;
const NEAR_END = 40;
const AGAIN_MS = 10_000;
const SORT_EVERY_MS = 5_000;
/** So many rows of all queues together, the first ones, are told when they move (see lines.py). */
const TOLD = 200;

export function List({ items }: { items: Item[] }) {
  const desk = useDesk();
  const { open, tab } = useCell(desk.route);
  const current = useCell(desk.current);
  const { isDense } = useCell(prefs);
  const { columns, grid } = useColumns();
  const scroller = useRef<HTMLDivElement>(null);
  const row_px = isDense ? DENSE_PX : ROW_PX;
  const height = (index: number): number => {
    const item = items[index];
    if (item?.kind !== "job") return HEAD_PX;
    return open.has(item.id) ? row_px + DETAILS_PX : row_px;
  };
  const { virtualizer, stuck } = useStickyVirtualizer(items, height, scroller);
  useEffect(() => {
    follow(items, current, virtualizer.scrollToIndex, () => desk.current.get() === current);
  }, [current]);
  useEffect(() => virtualizer.measure(), [isDense]);
  useDragging(scroller);
  useCarried(items, virtualizer.scrollToIndex);
  const shown = virtualizer.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last > items.length - NEAR_END) void desk.lists.more(tab);
  }, [last, items.length, tab]);
  useRefreshed(shown.map(({ index }) => items[index]));
  const stop = current ?? items.find((item) => item.kind === "job")?.key;
  return (
    <>
      <Heads columns={columns} grid={grid} />
      <div class="scroller" ref={scroller}>
        <Nothing isEmpty={!items.some((item) => item.kind === "job")} />
        <div
          class="list"
          role="list"
          data-tab={tab}
          data-dense={isDense ? "" : undefined}
          style={{ height: `${virtualizer.getTotalSize()}px`, "--grid": grid }}
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
              <ItemView
                item={items[index]}
                columns={columns}
                open={open}
                current={current}
                stop={stop}
              />
            </div>
          ))}
        </div>
        <Ending />
      </div>
    </>
  );
}

interface ItemViewProps {
  item: Item | undefined;
  columns: readonly Column[];
  open: ReadonlySet<string>;
  current: string | null;
  stop: string | undefined;
}

function ItemView({ item, columns, open, current, stop }: ItemViewProps) {
  const { board } = useDesk();
  if (item === undefined) return null;
  if (item.kind === "group") return <GroupHead group={item.group} />;
  const cell = board.jobs.get(item.id);
  if (cell === undefined) return null;
  const isOpen = open.has(item.id);
  return (
    <>
      <Row
        cell={cell}
        columns={columns}
        isOpen={isOpen}
        isCurrent={item.id === current}
        isStop={item.id === stop}
      />
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

/** What is carried by keyboard stays in sight. */
function useCarried(items: Item[], scrollTo: (index: number) => void): void {
  const now = useCell(moving);
  const key = now?.isByKey ? now.slot?.key : undefined;
  useEffect(() => {
    const index = items.findIndex((item) => item.key === key);
    if (index >= 0) scrollTo(index);
  }, [key]);
}

/** What the list shows now; made again when rows come, go or move, not with progress. */
export function useItems(): Item[] {
  const desk = useDesk();
  const { board } = desk;
  const shape = useCell(board.shape);
  const queues = useCell(board.queues);
  const route = useCell(desk.route);
  const { tab, search, empty, open, byStatus, sort, statuses, kind, user, queue } = route;
  const beat = useBeat(sort !== null);
  const groups = useMemo(() => {
    const now = Date.now();
    const jobs = [...board.jobs.values()].map((cell) => cell.get());
    const listed = jobs.filter(
      (job) =>
        isOn(tab, job, board.lingering.get(job.id), now) &&
        matches(job, search) &&
        isWanted(job, route),
    );
    return grouped(listed, route, queues, now);
  }, [shape, queues, tab, search, empty, open, byStatus, sort, statuses, kind, user, queue, beat]);
  const items = useMemo(() => flat(groups), [groups]);
  desk.listing = { items, groups };
  return items;
}

function grouped(
  jobs: Job[],
  { tab, search, empty, byStatus: isByStatus, sort }: Route,
  queues: readonly Queue[],
  now: number,
): Group[] {
  if (isByStatus) return resorted(byStatus(jobs, queues), sort);
  if (tab === "active") return resorted(byQueue(jobs, queues, empty && !search), sort);
  return sort === null ? byDay(jobs, now) : together(sorted(jobs, sort), "All days");
}

/** What is sorted by what moves is sorted again now and then, and not under the reader's eyes. */
function useBeat(isSorted: boolean): number {
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    if (!isSorted) return undefined;
    const timer = setInterval(() => setBeat((before) => before + 1), SORT_EVERY_MS);
    return () => clearInterval(timer);
  }, [isSorted]);
  return beat;
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
      // A row that is dragged out of sight stays, for the browser's drag ends with it.
      const dragged = items.findIndex((item) => moving.get()?.ids.has(item.key));
      const kept = dragged < 0 ? [stuck.current] : [stuck.current, dragged];
      return [...new Set([...kept, ...defaultRangeExtractor(range)])].sort((a, b) => a - b);
    },
    [heads, items],
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
function follow(
  items: Item[],
  current: string | null,
  scrollTo: (index: number) => void,
  isStill: () => boolean,
): void {
  const row = document.getElementById(`job-${current}`);
  if (current === null || row?.contains(document.activeElement)) return;
  if (document.activeElement?.closest("[role=menu], .drawer")) return; // What floats has it now.
  const index = items.findIndex((item) => item.key === current);
  if (index < 0) return;
  scrollTo(index);
  requestAnimationFrame(() => {
    // Keys may have gone on meanwhile: a late focus would take them back.
    if (isStill()) document.getElementById(`job-${current}`)?.focus({ preventScroll: true });
  });
}
