// Why a job waits: every reason, who holds it, what would end it, and buttons that do it.

import { useEffect, useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { get } from "./api.ts";
import { useCell } from "./cell.ts";
import { Time, useNow } from "./clock.tsx";
import { type Desk, useDesk } from "./desk.ts";
import * as format from "./format.ts";
import { failure, retry, STATUS_WORDS } from "./jobs.ts";
import { Link } from "./link.tsx";
import { words } from "./lists.ts";
import { shown } from "./names.ts";
import { Elsewhere } from "./elsewhere.tsx";
import { move } from "./orders.ts";
import type { Cause, Job, Reason, Wait, Why as Answer } from "./resources.ts";
import { addressOf } from "./route.ts";
import { type Way, ways, waysOn } from "./ways.ts";

const REST_MS = 1_000;
const LOOK_EVERY_S = 5;
const CAUSES_MAX = 6;

export function Why({ job }: { job: Job }) {
  const { answer, error } = useWhy(job);
  return (
    <div class="why-tab" tabIndex={0} role="region" aria-label={`Why ${shown(job.name)} waits`}>
      {answer === null ? (
        <p class="aside">{error ?? "Asking the scheduler …"}</p>
      ) : answer.reasons.length === 0 ? (
        <Still job={job} />
      ) : (
        <ol class="reasons">
          {answer.reasons.map((reason) => (
            <Line key={`${reason.code} ${reason.holder?.id}`} job={job} reason={reason} />
          ))}
        </ol>
      )}
      <Spent job={job} />
    </div>
  );
}

/** Others' doings change it without an event of this job: it is asked again every few seconds. */
function useWhy(job: Job) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [error, setError] = useState<string | null>(null);
  const now = useNow();
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      setAnswer(await get<Answer>(`/api/jobs/${job.id}/why`, signal));
      setError(null);
    } catch (failure) {
      if (!signal.aborted) setError(words(failure));
    }
  };
  const beat = document.hidden ? 0 : Math.floor(now / 1000 / LOOK_EVERY_S);
  useAgain(read, REST_MS, [job.sequence, job.reason?.text, beat]);
  return { answer, error };
}

function Line({ job, reason }: { job: Job; reason: Reason }) {
  const desk = useDesk();
  useCell(desk.board.shape);
  const me = useCell(desk.me);
  const known = (id: string): Job | undefined => desk.board.jobs.get(id)?.get();
  const { holder } = reason;
  return (
    <li data-code={reason.code}>
      <p>
        {shown(reason.text)}
        {reason.since !== null && (
          <span class="aside">
            {" "}
            since <Time at={reason.since} />
          </span>
        )}
      </p>
      <p class="aside">
        {holder?.kind === "job" && holder.id !== "" && (
          <>
            Held by <Link to={addressOf(holder.id)}>{shown(holder.name)}</Link>.{" "}
          </>
        )}
        {reason.release && `Until ${shown(reason.release)}.`}
      </p>
      <Ways job={job} all={ways(job, reason, me, known)} />
    </li>
  );
}

/** What a job does that waits for nothing. */
function Still({ job }: { job: Job }) {
  const now = useNow();
  const all = waysOn(job);
  const why = job.status === "failed" ? [failure(job), retry(job, now)].filter(Boolean) : [];
  return (
    <div class="still">
      <p>
        It does not wait: it is {STATUS_WORDS[job.status]}
        {why.length > 0 && `. ${why.join(", ")}`}.
      </p>
      <Ways job={job} all={all} />
    </div>
  );
}

function Ways({ job, all }: { job: Job; all: Way[] }) {
  const desk = useDesk();
  if (all.length === 0) return null;
  return (
    <p class="ways">
      {all.map((way) =>
        way.do === "elsewhere" ? (
          <Elsewhere key="elsewhere" ids={[job.id]} not={job.queue} />
        ) : (
          <button key={way.words} type="button" onClick={() => void go(desk, job, way)}>
            {way.words}
          </button>
        ),
      )}
    </p>
  );
}

async function go(desk: Desk, job: Job, way: Way): Promise<void> {
  if (way.do === "above") return move(desk, [job.id], { before: way.job });
  if (way.do === "queue") {
    const queue = desk.board.queues.get().find((one) => one.id === way.queue);
    return queue && desk.tellQueue(queue, "resume");
  }
  if (way.do === "restart") {
    await desk.tell(job, "pause");
    return desk.tell(job, "resume");
  }
  const other = way.do === "job" ? desk.board.jobs.get(way.job)?.get() : undefined;
  return other && way.do === "job" ? desk.tell(other, way.verb) : undefined;
}

/** Where its time went so far, the longest first: asked once, it is a walk through history. */
function Spent({ job }: { job: Job }) {
  const [causes, setCauses] = useState<Cause[]>([]);
  useEffect(() => {
    const leaving = new AbortController();
    get<Wait>(`/api/jobs/${job.id}/wait`, leaving.signal)
      .then((wait) => setCauses(wait.causes))
      .catch(() => undefined); // The historian may be busy or not there: it is an extra.
    return () => leaving.abort();
  }, [job.id, job.status]);
  const told = causes.filter((one) => one.seconds >= 0.5).slice(0, CAUSES_MAX);
  if (told.length === 0) return null;
  return (
    <section class="causes" aria-label="Where its time went">
      <h3>Where its time went so far</h3>
      <dl>
        {told.map((one) => (
          <div key={one.text}>
            <dt>{format.duration(one.seconds)}</dt>
            <dd>{shown(one.text)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
