// One job as a page of its own: `/jobs/<id>`.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { get } from "./api.ts";
import { type Cell, useCell } from "./cell.ts";
import { useNow } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import { Details } from "./details.tsx";
import { Elsewhere } from "./elsewhere.tsx";
import * as format from "./format.ts";
import { Icon, isIcon } from "./icons.tsx";
import { progress, situation, STATUS_WORDS, VERB_WORDS, verbs } from "./jobs.ts";
import { Link } from "./link.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import { move } from "./orders.ts";
import type { Job } from "./resources.ts";
import { Ask } from "./row.tsx";
import { State } from "./states.tsx";

export function JobPage({ id }: { id: string }) {
  const desk = useDesk();
  useCell(desk.board.shape);
  const cell = desk.board.jobs.get(id);
  const error = useRead(id, cell === undefined);
  return (
    <main class="job-page" aria-label="Job">
      <Back />
      {cell !== undefined ? (
        <>
          <Top cell={cell} />
          <Details key={id} cell={cell} isWhole />
        </>
      ) : error === null ? (
        <State title="Reading the job …" />
      ) : (
        <State title="This job cannot be shown">{error}</State>
      )}
    </main>
  );
}

/** A link may lead to a job that is on no list. */
function useRead(id: string, isUnknown: boolean): string | null {
  const desk = useDesk();
  const [error, setError] = useState<string | null>(null);
  // Before the first paint: commands are about what is seen.
  useLayoutEffect(() => {
    desk.current.set(id);
    desk.picking.clear();
  }, [id]);
  useEffect(() => {
    if (!isUnknown) return;
    get<Job>(`/api/jobs/${encodeURIComponent(id)}`)
      .then((job) => {
        desk.board.takeJob(job);
        if (job.id !== id) desk.go({ job: job.id }); // It was only the beginning of an id.
      })
      .catch((failure: unknown) => setError(words(failure)));
  }, [id, isUnknown]);
  return error;
}

function Back() {
  const { listed } = useDesk();
  return (
    <Link class="back" to={listed}>
      <Icon name="back" />
      {listed.includes("state=finished") ? "Finished jobs" : "Active jobs"}
    </Link>
  );
}

function Top({ cell }: { cell: Cell<Job> }) {
  const desk = useDesk();
  const known = useCell(cell);
  const now = useNow();
  const pending = useCell(desk.pending).get(known.id);
  const job = pending ? { ...known, status: pending.status, reason: null } : known;
  const share = progress(job);
  return (
    <header class="job-top" data-status={job.status} style={{ "--progress": String(share ?? 0) }}>
      <span class="status" title={`${job.kind}, ${STATUS_WORDS[job.status]}`}>
        <Icon name={isIcon(job.kind) ? job.kind : "transfer"} />
        <Icon name={job.status} />
      </span>
      <h2>
        <bdi>{shown(job.name)}</bdi>
      </h2>
      <span class="situation">
        <b>{STATUS_WORDS[job.status]}</b>
        {share !== null && job.status === "running" && ` ${format.percent(share)}`} ·{" "}
        {situation(job, now)}
        {job.status === "running" && job.kind === "transfer" && (
          <span class="live-only"> · {format.rate(job.bytes_per_second)}</span>
        )}
        {job.status === "running" && job.eta_s !== null && (
          <span class="live-only"> · {format.duration(job.eta_s)} left</span>
        )}
      </span>
      <Toolbar job={job} />
    </header>
  );
}

function Toolbar({ job }: { job: Job }) {
  const desk = useDesk();
  const asking = useCell(desk.asking) === job.id;
  const name = shown(job.name);
  if (asking && verbs(job.status).includes("abort")) return <Ask job={job} name={name} />;
  const isInLine = job.status !== "done" && job.status !== "aborted";
  return (
    <div class="toolbar" role="toolbar" aria-label={`Actions on ${name}`}>
      {verbs(job.status).map((verb) => (
        <button
          key={verb}
          type="button"
          data-verb={verb}
          title={`${VERB_WORDS[verb].word} (${VERB_WORDS[verb].key})`}
          onClick={() => desk.press(job.id, verb)}
        >
          <Icon name={verb} />
          {VERB_WORDS[verb].word}
        </button>
      ))}
      {isInLine && (
        <>
          <button type="button" onClick={() => void move(desk, [job.id], { to: "top" })}>
            <Icon name="top" />
            Top
          </button>
          <button type="button" onClick={() => void move(desk, [job.id], { to: "bottom" })}>
            <Icon name="bottom" />
            Bottom
          </button>
          <Elsewhere ids={[job.id]} not={job.queue} />
        </>
      )}
    </div>
  );
}
