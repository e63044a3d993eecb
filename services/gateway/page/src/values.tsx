// What a row says in each of its columns.

import { useRef } from "preact/hooks";

import { Time, useNow } from "./clock.tsx";
import type { ColumnKey } from "./columns.ts";
import * as estimate from "./estimate.ts";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { failures, progress, situation } from "./jobs.ts";
import { shown } from "./names.ts";
import type { Computing, Job } from "./resources.ts";
import { retries } from "./view.ts";

export const VALUES: Record<ColumnKey, (props: { job: Job }) => preact.ComponentChildren> = {
  way: Way,
  situation: Situation,
  queue: ({ job }) => <bdi class="aside">{shown(job.queue)}</bdi>,
  user: ({ job }) => <bdi class="aside">{shown(job.user)}</bdi>,
  created: ({ job }) => (
    <span class="eta">
      <Time at={job.created_at} />
    </span>
  ),
  size: ({ job }) => <span class="speed">{job.size > 0 && format.size(job.size)}</span>,
  retries: Retries,
  tasks: Tasks,
  percent: Percent,
  speed: Speed,
  left: Left,
};

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

/** How often it failed since a person last sent it on its way, and of what. */
function Retries({ job }: { job: Job }) {
  const count = retries(job);
  return (
    <span
      class="retries"
      title={count > 0 ? `Failed and tried again: ${failures(job)}` : undefined}
    >
      {count > 0 && (
        <>
          <Icon name="retry" />
          <span class="unseen">retries </span>
          {format.count(count)}
        </>
      )}
    </span>
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

/** Of a job that does not run: how much it is. */
function Speed({ job }: { job: Job }) {
  if (job.status !== "running") {
    return <span class="speed aside">{job.size > 0 && format.size(job.size)}</span>;
  }
  return (
    <span class={`speed live-only ${job.limit ? "limited" : ""}`} title={limit(job)}>
      {job.kind === "transfer" && format.rate(job.bytes_per_second)}
    </span>
  );
}

/** What a running transfer is held to; nothing where nobody limits it. */
function limit(job: Job): string | undefined {
  return job.limit === null ? undefined : `Limited to ${format.limit(job.limit, Date.now())}`;
}

/** How long it will take, when it should start, or when it ended. */
function Left({ job }: { job: Job }) {
  const ended = job.status === "done" || job.status === "aborted" ? job.finished_at : null;
  if (ended !== null) {
    return (
      <span class="eta">
        <Time at={ended} dayless />
      </span>
    );
  }
  if (job.status === "running" && job.eta_s !== null) {
    const left = format.duration(job.eta_s);
    return (
      <span class="eta live-only" title={`About ${left} left\n${estimate.whole(job, Date.now())}`}>
        {left}
      </span>
    );
  }
  if (job.status === "waiting" || job.status === "running") return <Expected job={job} />;
  return <span class="eta" />;
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
