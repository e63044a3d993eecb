// The tasks of a job: pages are read as they come into sight, and again when the job went on.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { get } from "./api.ts";
import { Attempts } from "./attempts.tsx";
import { Time } from "./clock.tsx";
import * as format from "./format.ts";
import { Hands, STATUS_WORDS } from "./hands.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Job, Task, TaskPage } from "./resources.ts";
import { all, count, extended, has, NOTHING, type Selection, toggled } from "./selection.ts";

const PAGE = 200;
const LINE_PX = 26;
const NEAR_END = 50;
const REST_MS = 500;

export function Tasks({ job }: { job: Job }) {
  const box = useRef<HTMLDivElement>(null);
  const [tried, setTried] = useState<Task | null>(null);
  const { selection, setSelection, current, onKey, pick } = useSelection(job, box);
  const { pages, error, inSight, read } = useTaskPages(job);
  const rows = pages.reduce((sum, page) => sum + page.tasks.length, 0);
  const virtualizer = useVirtualizer({
    count: rows,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 12,
  });
  const shownRows = virtualizer.getVirtualItems();
  const first = shownRows[0]?.index ?? 0;
  const last = shownRows.at(-1)?.index ?? 0;
  inSight.current = { first, last };
  const nearEnd = last > rows - NEAR_END;
  useAgain(read, REST_MS, [
    nearEnd && rows,
    job.sequence,
    job.tasks_done,
    job.compute && job.progress,
    Math.floor(first / PAGE),
  ]);
  return (
    <>
      <Hands job={job} selection={selection} onDone={() => setSelection(NOTHING)} />
      <div
        class="tasks-box"
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={`Tasks of ${shown(job.name)}`}
        onKeyDown={(event) => {
          const row = onKey(event, rows);
          if (row !== null) virtualizer.scrollToIndex(row);
        }}
      >
        <table role="table" class="task-table" aria-rowcount={job.tasks_total}>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">
                <input
                  type="checkbox"
                  aria-label="Select all tasks"
                  checked={count(selection) > 0 && count(selection) === job.tasks_total}
                  onChange={(event) =>
                    setSelection(event.currentTarget.checked ? all(job.tasks_total) : NOTHING)
                  }
                />
              </th>
              <th role="columnheader" scope="col">
                No.
              </th>
              <th role="columnheader" scope="col">
                Name
              </th>
              <th role="columnheader" scope="col">
                Size
              </th>
              <th role="columnheader" scope="col">
                Status
              </th>
              <th role="columnheader" scope="col">
                Tries
              </th>
              <th role="columnheader" scope="col">
                Start
              </th>
              <th role="columnheader" scope="col">
                Time
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup" style={{ height: `${virtualizer.getTotalSize()}px` }}>
            {shownRows.map(({ index, start }) => (
              <TaskLine
                key={index}
                task={taskAt(pages, index)}
                start={start}
                isCurrent={index === current}
                selection={selection}
                onPick={pick}
                onTries={setTried}
              />
            ))}
          </tbody>
        </table>
        {rows === 0 && <p class="aside">{error ?? emptiness(job)}</p>}
        {tried !== null && <Attempts job={job} task={tried} onClose={() => setTried(null)} />}
      </div>
    </>
  );
}

/** Arrows move, with shift they extend; space, a checkbox's own key, picks; Ctrl+A takes all. */
function useSelection(job: Job, box: { current: HTMLDivElement | null }) {
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [current, setCurrent] = useState(0);
  const pick = (task: number, isExtended: boolean): void => {
    setCurrent(task);
    setSelection((before) => (isExtended ? extended(before, task) : toggled(before, task)));
  };
  const onKey = (event: KeyboardEvent, rows: number): number | null => {
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      setSelection(all(job.tasks_total));
      event.preventDefault();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || rows === 0) return null;
    event.preventDefault();
    const row = Math.min(rows - 1, Math.max(0, current + step));
    setCurrent(row);
    if (event.shiftKey) setSelection((before) => extended(extended(before, current), row));
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`#pick-${row}`)?.focus());
    return row;
  };
  return { selection, setSelection, current, onKey, pick };
}

function emptiness(job: Job): string {
  if (job.status === "init" || !job.listed) return "The source is being listed.";
  return job.tasks_total > 0 ? "Reading the tasks …" : "There is nothing in the source.";
}

interface Line {
  task: Task | undefined;
  start: number;
  isCurrent: boolean;
  selection: Selection;
  onPick: (task: number, isExtended: boolean) => void;
  onTries: (task: Task) => void;
}

function TaskLine({ task, start, isCurrent, selection, onPick, onTries }: Line) {
  if (task === undefined) return null;
  const problem = shown(task.error_message ?? "");
  const tries = `${task.tries} ${task.tries === 1 ? "try" : "tries"}`;
  return (
    <tr
      role="row"
      data-status={task.status}
      aria-rowindex={task.number + 1}
      style={{ transform: `translateY(${start}px)` }}
    >
      <td role="cell">
        <input
          type="checkbox"
          id={`pick-${task.number}`}
          tabIndex={isCurrent ? 0 : -1}
          aria-label={`Select task ${task.number}, ${shown(task.name)}`}
          checked={has(selection, task.number)}
          onClick={(event) => onPick(task.number, event.shiftKey)}
        />
      </td>
      <td role="cell">{task.number}</td>
      <td role="cell" class="uri" title={shown(task.uri)}>
        <bdi>{shown(task.name)}</bdi>
        {problem && <span class="bad"> {problem}</span>}
        {task.said && <span class="aside"> {shown(task.said)}</span>}
      </td>
      <td role="cell" title={task.kind === "file" ? `${format.count(task.size)} bytes` : undefined}>
        {task.kind === "file" ? format.size(task.size) : "–"}
      </td>
      <td role="cell" title={problem || undefined}>
        {STATUS_WORDS[task.status] ?? task.status}
        {task.percent !== null && ` ${format.percent(task.percent / 100)}`}
      </td>
      <td role="cell">
        {task.tries === 0 ? (
          0
        ) : (
          <button
            type="button"
            class="quiet tries"
            aria-haspopup="dialog"
            aria-label={`${tries} of ${shown(task.name)}`}
            onClick={() => onTries(task)}
          >
            {task.tries}
          </button>
        )}
      </td>
      <td role="cell">{task.started_at && <Time at={task.started_at} seconds />}</td>
      <td role="cell">{format.took(task.took_s)}</td>
    </tr>
  );
}

/** A page and the cursor that leads to it. */
interface Read {
  cursor: string | null;
  next: string | null;
  tasks: Task[];
}

function taskAt(pages: Read[], index: number): Task | undefined {
  let at = index;
  for (const page of pages) {
    if (at < page.tasks.length) return page.tasks[at];
    at -= page.tasks.length;
  }
  return undefined;
}

/** Pages from the first on: those that hold rows `first` to `last` are kept up with the job. */
function useTaskPages(job: Job) {
  const [pages, setPages] = useState<Read[]>([]);
  const [error, setError] = useState<string | null>(null);
  const inSight = useRef({ first: 0, last: 0 });
  const newest = useRef(pages);
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      newest.current = await readAgain(job.id, newest.current, inSight.current, signal);
      setPages(newest.current);
      setError(null);
    } catch (failure) {
      if (!signal.aborted) setError(words(failure));
    }
  };
  return { pages, error, inSight, read };
}

/** The pages that hold rows `first` to `last`, read anew, and the page after the end if near. */
async function readAgain(
  job: string,
  pages: Read[],
  { first, last }: { first: number; last: number },
  signal: AbortSignal,
): Promise<Read[]> {
  if (pages.length === 0) return [await readPage(job, null, signal)];
  const fresh: Read[] = [];
  let at = 0;
  for (const page of pages) {
    const inSight = at <= last && at + page.tasks.length > first;
    fresh.push(inSight ? await readPage(job, page.cursor, signal) : page);
    at += page.tasks.length;
  }
  const next = fresh.at(-1)?.next ?? null;
  if (next !== null && last > at - NEAR_END) fresh.push(await readPage(job, next, signal));
  return fresh;
}

async function readPage(job: string, cursor: string | null, signal: AbortSignal): Promise<Read> {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (cursor !== null) query.set("cursor", cursor);
  const page = await get<TaskPage>(`/api/jobs/${job}/tasks?${query}`, signal);
  return { cursor, next: page.next, tasks: page.tasks };
}
