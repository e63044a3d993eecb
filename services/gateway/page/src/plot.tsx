// Speeds over time on a canvas; what they say is said in words beside it.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { Cell, useCell } from "./cell.ts";
import { clock, clockWithSeconds, duration, rate } from "./format.ts";

const HEIGHT_PX = 150;
const AXIS_PX = 74;
const MINUTE_S = 60;

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = new Cell(dark.matches);
dark.addEventListener("change", () => theme.set(dark.matches));

export interface Line {
  word: string;
  /** The name of its colour among the tokens. */
  tone: string;
  /** Bytes in each step. */
  bytes: readonly number[];
}

interface PlotProps {
  begins_at: string;
  step_s: number;
  lines: readonly Line[];
  /** What the picture says, where it is not what its lines are at most. */
  label?: string;
}

export function Plot({ begins_at, step_s, lines, label }: PlotProps) {
  const isDark = useCell(theme);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [at, setAt] = useState<number | null>(null);
  const data = series(begins_at, step_s, lines);
  const newest = useRef(data);
  newest.current = data;
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const made = new uPlot(options(current, lines, setAt), newest.current, current);
    plot.current = made;
    const sized = new ResizeObserver(() => {
      made.setSize({ width: current.clientWidth, height: HEIGHT_PX });
    });
    sized.observe(current);
    return () => {
      sized.disconnect();
      made.destroy();
    };
  }, [isDark, step_s, lines.length]);
  useEffect(() => plot.current?.setData(data), [begins_at, ...lines.map((one) => one.bytes)]);
  const whole = lines.map((one) => said(one, step_s, null));
  return (
    <figure class="plot">
      <figcaption>
        {lines.map((line) => (
          <span key={line.word} style={{ "--tone": `var(--${line.tone})` }}>
            {said(line, step_s, at)}
          </span>
        ))}
        <span class="aside">
          {at === null
            ? `in steps of ${duration(step_s)}`
            : timed(step_s)(Date.parse(begins_at) / 1000 + at * step_s)}
        </span>
      </figcaption>
      <div ref={box} role="img" aria-label={label ?? whole.join(", ")} />
    </figure>
  );
}

/** Under the pointer as it was then, else at most. */
function said({ word, bytes }: Line, step_s: number, at: number | null): string {
  const then = at === null ? undefined : bytes[at];
  if (then !== undefined) return `${word} ${rate(then / step_s)}`;
  return `${word} at most ${rate(Math.max(0, ...bytes) / step_s)}`;
}

function series(begins_at: string, step_s: number, lines: readonly Line[]): uPlot.AlignedData {
  const begins_s = Date.parse(begins_at) / 1000;
  const times = (lines[0]?.bytes ?? []).map((_, at) => begins_s + at * step_s);
  return [times, ...lines.map((line) => line.bytes.map((one) => one / step_s))];
}

function timed(step_s: number): (time_s: number) => string {
  const say = step_s < MINUTE_S ? clockWithSeconds : clock;
  return (time_s) => say(time_s * 1000);
}

function options(
  box: HTMLElement,
  lines: readonly Line[],
  setAt: (at: number | null) => void,
): uPlot.Options {
  const { color, borderTopColor } = getComputedStyle(box);
  const axis = { stroke: color, grid: { stroke: borderTopColor, width: 1 } };
  const ticks = { stroke: borderTopColor };
  return {
    width: box.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.05)] } },
    axes: [
      { ...axis, ticks, values: (_plot, times) => times.map((time_s) => clock(time_s * 1000)) },
      { ...axis, ticks, size: AXIS_PX, values: (_plot, values) => values.map(rate) },
    ],
    series: [{}, ...lines.map((line) => drawn(toned(box, line.tone)))],
    hooks: { setCursor: [(plot) => setAt(plot.cursor.idx ?? null)] },
  };
}

function drawn(stroke: string): uPlot.Series {
  const paths = uPlot.paths.stepped?.({ align: 1 });
  const fill = stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.15)");
  return { stroke, fill, width: 1.5, points: { show: false }, ...(paths && { paths }) };
}

/** A token's colour as a canvas takes it. */
function toned(box: HTMLElement, tone: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${tone})`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
