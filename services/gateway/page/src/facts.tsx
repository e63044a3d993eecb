// The facts of an opened job: what it is, where it stands, what is in its way.

import { useCell } from "./cell.ts";
import { Time, useNow } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import * as estimate from "./estimate.ts";
import * as format from "./format.ts";
import { elapsed_s, failure, failures, isInLine, reason, retry, STATUS_WORDS } from "./jobs.ts";
import { shown } from "./names.ts";
import type { Computing, Job } from "./resources.ts";
import { Manifest, Spent } from "./spent.tsx";

function Commanded({ compute }: { compute: Computing }) {
  const environment = Object.entries(compute.environment).map(([one, held]) => `${one}=${held}`);
  const filters = shown(compute.filters.join(", "));
  return (
    <>
      <Fact name="Command">
        <bdi>{shown(compute.command)}</bdi>
      </Fact>
      {compute.range && <Fact name="Frames">{compute.range}</Fact>}
      {filters && <Fact name="Only on">{filters}</Fact>}
      {environment.length > 0 && <Fact name="Environment">{shown(environment.join(" "))}</Fact>}
      {compute.cwd && <Fact name="Runs in">{shown(compute.cwd)}</Fact>}
      <Fact name="Lanes">{shown(compute.lanes.join(", ")) || "none now"}</Fact>
    </>
  );
}

export function Facts({ job }: { job: Job }) {
  return (
    <div class="facts" tabIndex={0} role="region" aria-label={`Facts of ${shown(job.name)}`}>
      <Trouble job={job} />
      <dl>
        {job.compute && <Commanded compute={job.compute} />}
        <Fact name="Queue">
          {shown(job.queue)} <Position job={job} />
        </Fact>
        <Fact name="Status">{STATUS_WORDS[job.status]}</Fact>
        {job.limit !== null && <Fact name="Limit">{format.limit(job.limit, Date.now())}</Fact>}
        {job.awaited > 0 && (
          <Fact name="Awaits">{format.count(job.awaited)} files that change still</Fact>
        )}
        {job.route !== null && <Fact name="Route">{format.route(job.route, job.relay)}</Fact>}
        {!job.compute && (
          <Fact name="Size">
            {format.size(job.bytes_done)} of{" "}
            <span title={`${format.count(job.size)} bytes`}>{format.size(job.size)}</span>
            {!job.listed && " found so far"}
          </Fact>
        )}
        <Times job={job} />
        {job.kind === "transfer" && job.started_at !== null && <Spent key={job.id} job={job} />}
        <Manifest job={job} />
        {job.estimate !== null && <Expected job={job} />}
        <Fact name="User">
          <bdi>{shown(job.user)}</bdi>
        </Fact>
        <Fact name="Runs">{format.count(job.tries)}</Fact>
        {Object.keys(job.failures).length > 0 && <Fact name="Failures">{failures(job)}</Fact>}
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Times({ job }: { job: Job }) {
  const took_s = elapsed_s(job);
  return (
    <>
      {job.started_at !== null && (
        <Fact name="Started">
          <Time at={job.started_at} seconds />
        </Fact>
      )}
      {took_s !== null && <Fact name="Took">{format.duration(took_s)}</Fact>}
    </>
  );
}

/** When it should start and end, and how that is known, or why it is not. */
function Expected({ job }: { job: Job }) {
  const now = useNow();
  const [starts, ends] = [estimate.start(job, now), estimate.end(job, now)];
  return (
    <>
      {starts !== null && <Fact name="Starts">{estimate.words(starts, now)}</Fact>}
      {ends !== null && <Fact name="Ends">{estimate.words(ends, now)}</Fact>}
      {job.status === "waiting" || job.status === "running" ? (
        <Fact name="Estimate">{estimate.basis(job)}</Fact>
      ) : null}
    </>
  );
}

/** Why it waits or failed, whole, and what would end it. */
function Trouble({ job }: { job: Job }) {
  const now = useNow();
  const waits = reason(job);
  return (
    <>
      {(job.error_message || job.error_class) && (
        <p class="trouble" data-status="failed">
          {failure(job)}
          {job.error_class && <span class="aside"> ({job.error_class})</span>}
          {job.retry_at !== null && <span class="aside"> {retry(job, now)}</span>}
          {job.reason?.code === "no_space" && (
            <span class="aside">Until {shown(job.reason.release)}</span>
          )}
        </p>
      )}
      {waits !== null && job.status !== "failed" && (
        <p class="trouble" data-status="waiting">
          {waits}
          {job.reason?.release && <span class="aside">Until {shown(job.reason.release)}</span>}
        </p>
      )}
    </>
  );
}

/** Its place in the line, counted from the rows: a move changes it without touching this row. */
function Position({ job }: { job: Job }) {
  const { board, lists } = useDesk();
  useCell(board.shape);
  const isWhole = useCell(lists.active).next === null;
  if (!isInLine(job)) return null;
  const ahead = [...board.jobs.values()]
    .map((cell) => cell.get())
    .filter((one) => one.queue === job.queue && isInLine(one) && one.place < job.place);
  const position = isWhole ? ahead.length + 1 : job.position;
  return position === null ? null : <span title="Its place in the queue">[{position}]</span>;
}
