// One job as a line: its progress is the line's background.

import { memo } from "preact/compat";
import { useLayoutEffect, useRef } from "preact/hooks";

import { type Cell, useCell, useDerived } from "./cell.ts";
import type { Column } from "./columns.ts";
import { openMenu } from "./contextmenu.tsx";
import { type Desk, useDesk } from "./desk.ts";
import { useDraggedRow } from "./drag.ts";
import { Icon, isIcon } from "./icons.tsx";
import { progress, STATUS_WORDS, VERB_WORDS, verbs } from "./jobs.ts";
import { moving, words } from "./moving.ts";
import { shown } from "./names.ts";
import type { Job } from "./resources.ts";
import { VALUES } from "./values.tsx";
import { jobsOf } from "./view.ts";

interface RowProps {
  cell: Cell<Job>;
  columns: readonly Column[];
  isOpen: boolean;
  isCurrent: boolean;
  /** Where the Tab key enters the list. */
  isStop: boolean;
}

export const Row = memo(function Row({ cell, columns, isOpen, isCurrent, isStop }: RowProps) {
  const desk = useDesk();
  const known = useCell(cell);
  const pending = useCell(desk.pending).get(known.id);
  const job = pending ? { ...known, status: pending.status, reason: null } : known;
  const name = shown(job.name);
  const article = useRef<HTMLElement>(null);
  useDraggedRow(article, job.id);
  const isPicked = useDerived(desk.picking.ids, (ids) => ids.has(job.id));
  const isMoving = useDerived(moving, (now) => now?.ids.has(job.id) === true);
  const landing = useDerived(moving, (now) => (now?.slot?.key === job.id ? words(now) : ""));
  return (
    <article
      ref={article}
      id={`job-${job.id}`}
      class="row"
      data-status={job.status}
      data-pending={pending ? "" : undefined}
      data-current={isCurrent ? "" : undefined}
      data-picked={isPicked ? "" : undefined}
      data-moving={isMoving ? "" : undefined}
      data-drop={landing ? "below" : undefined}
      tabIndex={isStop ? 0 : -1}
      aria-label={`${name}, ${STATUS_WORDS[job.status]}`}
      style={{ "--progress": String(progress(job) ?? 0) }}
      onClick={(event) => clicked(desk, job.id, event)}
      onContextMenu={(event) => openMenu(desk, job.id, event)}
      onFocus={() => desk.current.set(job.id)}
    >
      <button
        type="button"
        class="expander"
        tabIndex={-1}
        aria-expanded={isOpen}
        aria-label={`Details of ${name}`}
        onClick={() => desk.toggle(job.id)}
      >
        <Icon name="open" />
      </button>
      <input
        type="checkbox"
        class="pick"
        tabIndex={-1}
        aria-label={`Select ${name}`}
        checked={isPicked}
        onClick={(event) => pick(desk, job.id, event.shiftKey)}
      />
      <Status job={job} />
      <bdi class="name" title={name}>
        {name}
      </bdi>
      {columns.map(({ key }) => {
        const Value = VALUES[key];
        return <Value key={key} job={job} />;
      })}
      <Actions job={job} name={name} tabIndex={isStop ? 0 : -1} />
      {landing && <span class="landing">{shown(landing)}</span>}
    </article>
  );
});

/** A click opens; with Ctrl it picks, with Shift it picks all from there to here. */
function clicked(desk: Desk, id: string, event: MouseEvent): void {
  if (event.target instanceof Element && event.target.closest("button, input, a")) return;
  if (event.ctrlKey || event.metaKey) pick(desk, id, false);
  else if (event.shiftKey) pick(desk, id, true);
  else if (!getSelection()?.toString()) desk.toggle(id);
}

function pick(desk: Desk, id: string, isRange: boolean): void {
  desk.current.set(id);
  if (!isRange) return desk.picking.toggle(id);
  getSelection()?.removeAllRanges();
  desk.picking.extend(id, jobsOf(desk.listing.items));
}

function Status({ job }: { job: Job }) {
  const kind = isIcon(job.kind) ? job.kind : "transfer";
  return (
    <span class="status" title={`${job.kind}, ${STATUS_WORDS[job.status]}`}>
      <Icon name={kind} />
      <Icon name={job.status} />
    </span>
  );
}

interface ActionsProps {
  job: Job;
  name: string;
  tabIndex: number;
}

function Actions({ job, name, tabIndex }: ActionsProps) {
  const desk = useDesk();
  const asking = useCell(desk.asking) === job.id;
  if (asking && verbs(job.status).includes("abort")) return <Ask job={job} name={name} />;
  return (
    <span class="actions">
      {verbs(job.status).map((verb) => (
        <button
          key={verb}
          type="button"
          data-verb={verb}
          tabIndex={tabIndex}
          title={`${VERB_WORDS[verb].word} (${VERB_WORDS[verb].key})`}
          aria-label={`${VERB_WORDS[verb].word} ${name}`}
          onClick={() => desk.press(job.id, verb)}
        >
          <Icon name={verb} />
        </button>
      ))}
    </span>
  );
}

/** Aborting cannot be undone by a slip of the mouse: it is asked for where it was pressed. */
export function Ask({ job, name }: { job: Job; name: string }) {
  const desk = useDesk();
  const keep = (): void => {
    desk.asking.set(null);
    document.getElementById(`job-${job.id}`)?.focus();
  };
  const yes = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => yes.current?.focus(), []);
  return (
    <span class="actions ask" role="group" aria-label={`Abort ${name}?`}>
      <button ref={yes} type="button" class="danger" onClick={() => void desk.tell(job, "abort")}>
        Abort
      </button>
      <button type="button" onClick={keep}>
        Keep
      </button>
    </span>
  );
}
