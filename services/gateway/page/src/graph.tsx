// How fast a transfer was over time, and what held it back.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { Cell, useCell } from "./cell.ts";
import { clock, clockWithSeconds, duration, rate, size } from "./format.ts";
import type { Job, Throughput } from "./resources.ts";
import { Split, useRead } from "./spent.tsx";
import { parts } from "./timing.ts";

const HEIGHT_MIN_PX = 120;
const AXIS_PX = 74;

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = new Cell(dark.matches);
dark.addEventListener("change", () => theme.set(dark.matches));

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
        <Plot speed={speed} isDark={useCell(theme)} />
      )}
      {timing !== null && parts(timing).length > 0 && (
        <div class="spent">
          <Split timing={timing} />
        </div>
      )}
    </div>
  );
}

/** uPlot draws on a canvas: what it says is said in words beside it. */
function Plot({ speed, isDark }: { speed: Throughput; isDark: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = series(speed);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const made = new uPlot(options(current, speed.step_s), data, current);
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize(room(current)));
    sized.observe(current);
    return () => {
      sized.disconnect();
      made.destroy();
    };
  }, [isDark, speed.step_s]);
  useEffect(() => plot.current?.setData(data), [speed]);
  return (
    <>
      <p class="aside">{summary(speed)}</p>
      <div
        ref={box}
        class="speed-plot"
        role="img"
        aria-label={`Speed over time. ${summary(speed)}`}
      />
    </>
  );
}

function series({ begins_at, step_s, bytes }: Throughput): [number[], number[]] {
  const begins_s = Date.parse(begins_at) / 1000;
  return [bytes.map((_, at) => begins_s + at * step_s), bytes.map((one) => one / step_s)];
}

function summary({ begins_at, ends_at, step_s, bytes }: Throughput): string {
  const whole = bytes.reduce((sum, one) => sum + one, 0);
  const most = Math.max(0, ...bytes) / step_s;
  const when = `${clock(begins_at)} to ${clock(ends_at)}`;
  const how = `at most ${rate(most)}, in steps of ${duration(step_s)}`;
  return `${size(whole)} moved from ${when}, ${how}.`;
}

function room(box: HTMLElement): { width: number; height: number } {
  return { width: box.clientWidth, height: Math.max(HEIGHT_MIN_PX, box.clientHeight) };
}

function options(box: HTMLElement, step_s: number): uPlot.Options {
  const { color: muted, borderTopColor: line, outlineColor: accent } = getComputedStyle(box);
  const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  return {
    ...room(box),
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.05)] } },
    axes: [
      { ...axis, values: (_plot, times) => times.map(label(step_s)) },
      { ...axis, size: AXIS_PX, values: (_plot, values) => values.map(rate) },
    ],
    series: [
      {},
      {
        stroke: accent,
        fill: accent.replace("rgb(", "rgba(").replace(")", ", 0.3)"),
        width: 1.5,
        points: { show: false },
        ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
      },
    ],
    hooks: { setCursor: [(plot) => told(plot, step_s)] },
  };
}

function label(step_s: number): (time_s: number) => string {
  const say = step_s < 60 ? clockWithSeconds : clock;
  return (time_s) => say(time_s * 1000);
}

/** Under the pointer: when, and how fast. */
function told(plot: uPlot, step_s: number): void {
  const at = plot.cursor.idx;
  const [times, speeds] = plot.data;
  const [time, speed] = at == null ? [] : [times[at], speeds?.[at]];
  plot.root.title =
    time === undefined || speed == null
      ? ""
      : `${label(step_s)(time)}: ${rate(speed)} over ${duration(step_s)}`;
}
