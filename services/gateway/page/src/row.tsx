// One job as a line: its progress is the line's background.

import { memo } from "preact/compat";
import { useLayoutEffect, useRef } from "preact/hooks";

import type { Verb } from "./api.ts";
import { type Cell, useCell } from "./cell.ts";
import { Time, useNow } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import * as estimate from "./estimate.ts";
import * as format from "./format.ts";
import { Icon, isIcon } from "./icons.tsx";
import { progress, situation, STATUS_WORDS, verbs } from "./jobs.ts";
import { shown } from "./names.ts";
import type { Computing, Job } from "./resources.ts";

interface RowProps {
  cell: Cell<Job>;
  isOpen: boolean;
  isCurrent: boolean;
  /** Where the Tab key enters the list. */
  isStop: boolean;
}

export const Row = memo(function Row({ cell, isOpen, isCurrent, isStop }: RowProps) {
  const desk = useDesk();
  const known = useCell(cell);
  const pending = useCell(desk.pending).get(known.id);
  const job = pending ? { ...known, status: pending.status, reason: null } : known;
  const name = shown(job.name);
  const toggle = (event: MouseEvent): void => {
    const inControl = event.target instanceof Element && event.target.closest("button");
    if (!inControl && !getSelection()?.toString()) desk.toggle(job.id);
  };
  return (
    <article
      id={`job-${job.id}`}
      class="row"
      data-status={job.status}
      data-pending={pending ? "" : undefined}
      data-current={isCurrent ? "" : undefined}
      tabIndex={isStop ? 0 : -1}
      aria-label={`${name}, ${STATUS_WORDS[job.status]}`}
      style={{ "--progress": String(progress(job) ?? 0) }}
      onClick={toggle}
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
      <Status job={job} />
      <bdi class="name" title={name}>
        {name}
      </bdi>
      <Way job={job} />
      <Situation job={job} />
      <Figures job={job} />
      <Actions job={job} name={name} tabIndex={isStop ? 0 : -1} />
    </article>
  );
});

function Status({ job }: { job: Job }) {
  const kind = isIcon(job.kind) ? job.kind : "transfer";
  return (
    <span class="status" title={`${job.kind}, ${STATUS_WORDS[job.status]}`}>
      <Icon name={kind} />
      <Icon name={job.status} />
    </span>
  );
}

function Way({ job }: { job: Job }) {
  if (job.compute) return <Command compute={job.compute} />;
  const [source, destination] = [shown(job.source ?? ""), shown(job.destination ?? "")];
  return (
    <span class="way" title={`${source}\n› ${destination}`}>
      <bdi>{source}</bdi>
      <span class="to">›</span>
      <bdi>{destination}</bdi>
    </span>
  );
}

function Command({ compute }: { compute: Computing }) {
  const [command, range] = [shown(compute.command), compute.range];
  return (
    <span class="way" title={range ? `${command}\nframes ${range}` : command}>
      <bdi>{command}</bdi>
      {range && <span class="to">{range}</span>}
    </span>
  );
}

/** Lights up when the status changes in sight, not when the row comes into sight. */
function Situation({ job }: { job: Job }) {
  const atFirst = useRef(job.status);
  const isNews = job.status !== atFirst.current;
  if (job.retry_at !== null) return <Ticking job={job} isNews={isNews} />;
  return <Told key={job.status} text={situation(job, 0)} isNews={isNews} />;
}

function Ticking({ job, isNews }: { job: Job; isNews: boolean }) {
  return <Told text={situation(job, useNow())} isNews={isNews} />;
}

function Told({ text, isNews }: { text: string; isNews: boolean }) {
  return (
    <span class="situation" title={text} data-news={isNews ? "" : undefined}>
      {text}
    </span>
  );
}

function Figures({ job }: { job: Job }) {
  return (
    <>
      <Tasks job={job} />
      <Percent job={job} />
      {job.status === "running" ? <Speed job={job} /> : <Rest job={job} />}
    </>
  );
}

function Tasks({ job }: { job: Job }) {
  const { tasks_total, tasks_done, tasks_failed } = job;
  const counted = tasks_done > 0 || job.status === "running";
  const failed = tasks_failed ? `, ${format.count(tasks_failed)} failed` : "";
  const total = `${format.count(tasks_total)}${job.listed ? "" : " so far"}`;
  const title = `${format.count(tasks_done)} of ${total} tasks done${failed}`;
  return (
    <span class="tasks" title={title}>
      {counted && `${format.count(tasks_done)}/`}
      {tasks_total > 0 && format.count(tasks_total)}
      {tasks_failed > 0 && <b class="bad"> {format.count(tasks_failed)} failed</b>}
    </span>
  );
}

/** For the ear always; for the eye where it says something. */
function Percent({ job }: { job: Job }) {
  const known = progress(job);
  const value = known === null ? "…" : format.percent(known);
  const isNews = job.status === "running" || (job.progress > 0 && job.status !== "done");
  return (
    <span
      class="percent"
      role="progressbar"
      aria-label="Progress"
      aria-valuenow={known === null ? undefined : Number.parseInt(value)}
      aria-valuetext={value}
    >
      {isNews && value}
    </span>
  );
}

function Speed({ job }: { job: Job }) {
  return (
    <>
      <span class={`speed live-only ${job.limit ? "limited" : ""}`} title={limit(job)}>
        {job.kind === "transfer" && format.rate(job.bytes_per_second)}
      </span>
      {job.eta_s === null ? <Expected job={job} /> : <Left job={job} seconds={job.eta_s} />}
    </>
  );
}

/** What a running transfer is held to; nothing where nobody limits it. */
function limit(job: Job): string | undefined {
  return job.limit === null ? undefined : `Limited to ${format.limit(job.limit, Date.now())}`;
}

function Left({ job, seconds }: { job: Job; seconds: number }) {
  const left = format.duration(seconds);
  return (
    <span class="eta live-only" title={`About ${left} left\n${estimate.whole(job, Date.now())}`}>
      {left}
    </span>
  );
}

/** Of a job that does not run: how much it is and, once it ended, when. */
function Rest({ job }: { job: Job }) {
  const ended = job.status === "done" || job.status === "aborted" ? job.finished_at : null;
  return (
    <>
      <span class="speed aside">{job.size > 0 && format.size(job.size)}</span>
      {job.status === "waiting" ? (
        <Expected job={job} />
      ) : (
        <span class="eta">{ended !== null && <Time at={ended} dayless />}</span>
      )}
    </>
  );
}

/** When a waiting job should start, and when one that runs without a pace of its own should end. */
function Expected({ job }: { job: Job }) {
  const now = useNow();
  return (
    <span class="eta" title={estimate.whole(job, now)}>
      {estimate.pill(job, now)}
    </span>
  );
}

export const WORDS: Record<Verb, { word: string; key: string }> = {
  pause: { word: "Pause", key: "p" },
  resume: { word: "Resume", key: "r" },
  retry: { word: "Retry", key: "r" },
  abort: { word: "Abort", key: "x" },
};

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
          title={`${WORDS[verb].word} (${WORDS[verb].key})`}
          aria-label={`${WORDS[verb].word} ${name}`}
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
