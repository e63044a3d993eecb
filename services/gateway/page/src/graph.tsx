// How fast a transfer was over time, and what held it back.

import { clock, duration, rate, size } from "./format.ts";
import { Plot } from "./plot.tsx";
import type { Job, Throughput } from "./resources.ts";
import { Split, useRead } from "./spent.tsx";
import { parts } from "./timing.ts";

export function Graph({ job }: { job: Job }) {
  const timing = useRead<Job>(`/api/jobs/${job.id}`, job)?.timing ?? null;
  const speed = useRead<Throughput>(`/api/jobs/${job.id}/throughput`, job);
  if (job.compute !== null) {
    return <p class="aside">A compute job moves no files: its tasks say how far it is.</p>;
  }
  if (job.started_at === null)
    return <p class="aside">It has not run yet: nothing was measured.</p>;
  return (
    <div class="graph">
      {speed === null ? (
        <p class="aside">Reading what was measured …</p>
      ) : (
        <Speed speed={speed} />
      )}
      {timing !== null && parts(timing).length > 0 && (
        <div class="spent">
          <Split timing={timing} />
        </div>
      )}
    </div>
  );
}

function Speed({ speed }: { speed: Throughput }) {
  const { begins_at, step_s, bytes } = speed;
  const lines = [{ word: "speed", tone: "accent", bytes }];
  const label = `Speed over time. ${summary(speed)}`;
  return (
    <>
      <p class="aside">{summary(speed)}</p>
      <Plot begins_at={begins_at} step_s={step_s} lines={lines} label={label} />
    </>
  );
}

function summary({ begins_at, ends_at, step_s, bytes }: Throughput): string {
  const whole = bytes.reduce((sum, one) => sum + one, 0);
  const most = Math.max(0, ...bytes) / step_s;
  const when = `${clock(begins_at)} to ${clock(ends_at)}`;
  const how = `at most ${rate(most)}, in steps of ${duration(step_s)}`;
  return `${size(whole)} moved from ${when}, ${how}.`;
}
