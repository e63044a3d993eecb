// Where the time of an opened transfer went, how fast it was, and what it has brought.

import { useState } from "preact/hooks";

import { useAgain } from "./again.ts";
import { get } from "./api.ts";
import * as format from "./format.ts";
import { shown } from "./names.ts";
import type { Job, Throughput, Timing } from "./resources.ts";
import { area, PARTS, type Part, parts } from "./timing.ts";

const REST_MS = 3_000;
const GRAPH = { width: 220, height: 30 };
const FORMS: Record<string, string> = { csv: "CSV", jsonl: "JSON lines", b3sum: "b3sum" };

export function Spent({ job }: { job: Job }) {
  const timing = useRead<Job>(`/api/jobs/${job.id}`, job)?.timing ?? null;
  const speed = useRead<Throughput>(`/api/jobs/${job.id}/throughput`, job);
  return (
    <>
      {timing !== null && <Time timing={timing} />}
      {speed !== null && speed.bytes.some((one) => one > 0) && <Graph speed={speed} />}
    </>
  );
}

/** Read when it is opened and as it goes on; what was read last stays while there is no answer. */
export function useRead<T>(path: string, job: Job): T | null {
  const [told, setTold] = useState<T | null>(null);
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      setTold(await get<T>(path, signal));
    } catch {
      // It is no more than a fact beside others.
    }
  };
  useAgain(read, REST_MS, [job.sequence, job.bytes_done]);
  return told;
}

/** The split of the time as a bar, with its words. */
export function Split({ timing }: { timing: Timing }) {
  const told = parts(timing);
  const words = told.map((one) => `${PARTS[one.part]} ${format.percent(one.share)}`).join(", ");
  return (
    <>
      {timing.text !== null && <p>{shown(timing.text)}</p>}
      <div class="bar" role="img" aria-label={words}>
        {told.map(({ part, share }) => (
          <span key={part} data-part={part} style={{ flexGrow: String(share) }} />
        ))}
      </div>
      <ul>
        {told.map(({ part, share, seconds }) => (
          <Legend key={part} part={part} share={share} seconds={seconds} />
        ))}
      </ul>
    </>
  );
}

function Time({ timing }: { timing: Timing }) {
  if (parts(timing).length === 0) return null;
  return (
    <div class="spent">
      <dt>Time</dt>
      <dd>
        <Split timing={timing} />
        {timing.bytes_saved > 0 && (
          <p class="aside">{format.size(timing.bytes_saved)} did not have to come.</p>
        )}
      </dd>
    </div>
  );
}

function Legend({ part, share, seconds }: { part: Part; share: number; seconds: number }) {
  return (
    <li data-part={part} title={format.took(seconds)}>
      {PARTS[part]} {format.percent(share)}
    </li>
  );
}

function Graph({ speed }: { speed: Throughput }) {
  const most = Math.max(...speed.bytes) / speed.step_s;
  return (
    <div>
      <dt>Pace</dt>
      <dd>
        <svg
          class="pace"
          role="img"
          aria-label={`Pace over time, at most ${format.rate(most)}`}
          viewBox={`0 0 ${GRAPH.width} ${GRAPH.height}`}
          preserveAspectRatio="none"
        >
          <path d={area(speed.bytes, GRAPH.width, GRAPH.height)} />
        </svg>
        <span class="aside">
          at most {format.rate(most)}, in steps of {format.duration(speed.step_s)}
        </span>
      </dd>
    </div>
  );
}

/** A manifest of a transfer that is not under way, to keep beside its files. */
export function Manifest({ job }: { job: Job }) {
  const isUnderWay = job.status === "init" || job.status === "running";
  if (job.kind !== "transfer" || isUnderWay || job.tasks_done === 0) return null;
  return (
    <div>
      <dt>Manifest</dt>
      <dd class="forms">
        {Object.entries(FORMS).map(([form, name]) => (
          <a key={form} href={`/api/jobs/${job.id}/manifest?format=${form}`} download>
            {name}
          </a>
        ))}
      </dd>
    </div>
  );
}
