// An opened job: its facts, and beside them its tasks or its log.

import { useEffect, useState } from "preact/hooks";

import { type Cell, useCell } from "./cell.ts";
import { Time, useNow } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import * as estimate from "./estimate.ts";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { elapsed_s, failure, failures, reason, retry, STATUS_WORDS } from "./jobs.ts";
import { JobLog } from "./log.tsx";
import { shown } from "./names.ts";
import { Manifest, Spent } from "./spent.tsx";
import type { Computing, Job } from "./resources.ts";
import { Tasks } from "./tasks.tsx";

const TABS = ["tasks", "log"] as const;
type DetailsTab = (typeof TABS)[number];

export function Details({ cell }: { cell: Cell<Job> }) {
  const job = useCell(cell);
  const desk = useDesk();
  const [tab, setTab] = useState<DetailsTab>("tasks");
  useEffect(() => void desk.refresh(job.id), [job.id]);
  const words: Record<DetailsTab, string> = {
    tasks: `Tasks ${job.tasks_total ? format.count(job.tasks_total) : ""}`,
    log: "Log",
  };
  return (
    <section class="details" aria-label={`Details of ${shown(job.name)}`}>
      <Facts job={job} />
      <div class="more">
        <div class="choices" role="group" aria-label="What to show">
          {TABS.map((one) => (
            <button key={one} type="button" aria-pressed={one === tab} onClick={() => setTab(one)}>
              {words[one]}
            </button>
          ))}
          <button type="button" onClick={() => desk.openSettings(job.id)}>
            Settings …
          </button>
        </div>
        {tab === "tasks" ? <Tasks job={job} /> : <JobLog job={job} />}
      </div>
    </section>
  );
}

function Ends({ job }: { job: Job }) {
  return (
    <>
      <Fact name="Source">
        <bdi>{shown(job.source ?? "")}</bdi>
      </Fact>
      <Fact name="Destination">
        <bdi>{shown(job.destination ?? "")}</bdi>
      </Fact>
    </>
  );
}

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

function Facts({ job }: { job: Job }) {
  return (
    <div class="facts">
      <Trouble job={job} />
      <dl>
        {job.compute ? <Commanded compute={job.compute} /> : <Ends job={job} />}
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
        <Fact name="Id">
          <Copied text={job.id} />
        </Fact>
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
      <Fact name="Created">
        <Time at={job.created_at} seconds />
      </Fact>
      {job.started_at !== null && (
        <Fact name="Started">
          <Time at={job.started_at} seconds />
        </Fact>
      )}
      {job.finished_at !== null && (
        <Fact name="Finished">
          <Time at={job.finished_at} seconds />
          {took_s !== null && `, after ${format.duration(took_s)}`}
        </Fact>
      )}
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

function isInLine(job: Job): boolean {
  const stands = job.status === "init" || job.status === "waiting" || job.status === "running";
  return stands || (job.status === "failed" && job.retry_at !== null);
}

function Copied({ text }: { text: string }) {
  const desk = useDesk();
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
    } catch {
      desk.toast("The browser does not let this page copy: select the id and copy it yourself.");
    }
  };
  return (
    <span class="copied">
      <code>{text}</code>
      <button
        type="button"
        class="quiet"
        title="Copy"
        aria-label="Copy id"
        onClick={() => void copy()}
      >
        <Icon name={isDone ? "done" : "copy"} />
      </button>
    </span>
  );
}
