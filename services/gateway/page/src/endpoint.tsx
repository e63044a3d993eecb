// An opened endpoint: its volumes, its machine, what runs there, how much it sent and received.

import { useState } from "preact/hooks";

import { useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import * as format from "./format.ts";
import { Link } from "./link.tsx";
import { shown } from "./names.ts";
import { Plot } from "./plot.tsx";
import { useReading } from "./reading.ts";
import type { Endpoint, EndpointThroughput, Job, Machine, Volume } from "./resources.ts";
import { addressOf } from "./route.ts";

const EVERY_MS = 10_000;
export const SPANS: readonly [string, string][] = [
  ["3h", "3 hours"],
  ["1d", "1 day"],
  ["7d", "7 days"],
];

export function EndpointDetails({ endpoint }: { endpoint: Endpoint }) {
  return (
    <section class="of-machine" aria-label={`Details of ${shown(endpoint.name)}`}>
      <div>
        <Volumes volumes={endpoint.volumes} />
        <dl class="pairs">
          {endpoint.machine && <OfMachine machine={endpoint.machine} />}
          <Fact name="Network">{network(endpoint)}</Fact>
          <Fact name="Id">
            <code>{endpoint.id}</code>
          </Fact>
        </dl>
      </div>
      <div>
        <Flow endpoint={endpoint} />
        <Running endpoint={endpoint} />
      </div>
    </section>
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

function Volumes({ volumes }: { volumes: readonly Volume[] }) {
  if (volumes.length === 0) return <p class="aside">It serves no volumes.</p>;
  return (
    <ul class="volumes" aria-label="Volumes">
      {volumes.map((one) => (
        <li key={one.code} data-status={one.online && !one.full ? undefined : "failed"}>
          <bdi>{shown(one.code)}</bdi>
          <span class="status">{one.online ? (one.full ? "full" : "") : "offline"}</span>
          <Room volume={one} />
        </li>
      ))}
    </ul>
  );
}

function Room({ volume: { free_bytes, total_bytes } }: { volume: Volume }) {
  if (free_bytes === null || total_bytes === null || total_bytes === 0) {
    return <span class="aside">nothing known of its room</span>;
  }
  const words = `${format.size(free_bytes)} free of ${format.size(total_bytes)}`;
  return (
    <>
      <span title={`${format.count(free_bytes)} bytes`}>{words}</span>
      <span class="meter" aria-hidden="true">
        <span style={{ width: `${100 * (1 - free_bytes / total_bytes)}%` }} />
      </span>
    </>
  );
}

function OfMachine({ machine }: { machine: Machine }) {
  const { hostname, cores, memory_bytes, platform, site, tags, user } = machine;
  const size = `${format.count(cores)} cores, ${format.size(memory_bytes)} memory`;
  return (
    <>
      <Fact name="Machine">{`${shown(hostname)}, ${platform}, ${size}`}</Fact>
      <Fact name="Commands">{`run as ${shown(user)}`}</Fact>
      {site && <Fact name="Site">{shown(site)}</Fact>}
      {tags.length > 0 && <Fact name="Tags">{tags.map(shown).join(", ")}</Fact>}
    </>
  );
}

function network({ listens, relays, reaches }: Endpoint): string {
  const those = (reached: boolean): string =>
    reaches
      .filter((one) => one.reached === reached)
      .map((one) => shown(one.endpoint))
      .join(", ");
  const said = [
    listens ? "may be dialled" : "opens no port",
    relays > 0 && `relays up to ${format.count(relays)} connections`,
    those(true) && `reaches ${those(true)}`,
    those(false) && `cannot reach ${those(false)}`,
  ];
  return said.filter(Boolean).join("; ");
}

function Flow({ endpoint }: { endpoint: Endpoint }) {
  const [span, setSpan] = useState("3h");
  const path = `/api/endpoints/${endpoint.id}/throughput?from=${span}`;
  const { told, error, isForbidden } = useReading<EndpointThroughput>(path, EVERY_MS);
  if (isForbidden) return <p class="aside">What endpoints move is for employees and admins.</p>;
  return (
    <>
      <Spans span={span} onChoose={setSpan} />
      {error !== null && <p class="aside">{error}</p>}
      {told === null && error === null && <p class="aside">Reading what was moved …</p>}
      {told !== null && (
        <Plot
          begins_at={told.begins_at}
          step_s={told.step_s}
          lines={[
            { word: "received", tone: "accent", bytes: told.received },
            { word: "sent", tone: "init", bytes: told.sent },
          ]}
        />
      )}
    </>
  );
}

export function Spans({ span, onChoose }: { span: string; onChoose: (span: string) => void }) {
  return (
    <div class="choices" role="group" aria-label="Over">
      {SPANS.map(([one, word]) => (
        <button key={one} type="button" aria-pressed={one === span} onClick={() => onChoose(one)}>
          {word}
        </button>
      ))}
    </div>
  );
}

function Running({ endpoint }: { endpoint: Endpoint }) {
  const { board } = useDesk();
  useCell(board.shape);
  const jobs = [...board.jobs.values()].map((cell) => cell.get());
  const here = jobs.filter((job) => job.status === "running" && isAt(job, endpoint.name));
  const others = endpoint.jobs_running - here.length;
  if (here.length === 0 && others <= 0) return <p class="aside">Nothing runs there now.</p>;
  return (
    <ul class="running" aria-label="Running there">
      {here.map((job) => (
        <li key={job.id}>
          <Link to={addressOf(job.id)}>{shown(job.name)}</Link>{" "}
          <span class="aside">{doing(job, endpoint.name)}</span>
        </li>
      ))}
      {others > 0 && <li class="aside">and {format.count(others)} more</li>}
    </ul>
  );
}

function isAt(job: Job, name: string): boolean {
  const ends = [job.source, job.destination].map((end) => end?.split(":")[0]);
  return ends.includes(name) || (job.compute?.lanes ?? []).includes(name);
}

function doing(job: Job, name: string): string {
  const done = format.count(job.tasks_done);
  if (job.compute) return `${done} of ${format.count(job.tasks_total)} done`;
  const isSource = job.source?.startsWith(`${name}:`);
  const other = (isSource ? job.destination : job.source)?.split(":")[0] ?? "";
  return `${isSource ? "to" : "from"} ${shown(other)}, ${format.percent(job.progress)}`;
}
