// The workspace as a whole: what stands where, what flows where, what failed and why.

import { useState } from "preact/hooks";

import { useCell } from "./cell.ts";
import { Time } from "./clock.tsx";
import { useDesk } from "./desk.ts";
import { Spans } from "./endpoint.tsx";
import * as format from "./format.ts";
import { Link } from "./link.tsx";
import { shown } from "./names.ts";
import { Plot } from "./plot.tsx";
import { useReading } from "./reading.ts";
import type { Failure, Overview as Told, PairFlow, Status } from "./resources.ts";
import { addressOf } from "./route.ts";
import { State } from "./states.tsx";
import { area } from "./timing.ts";

const EVERY_MS = 10_000;
const SPARK = { width: 160, height: 22 };
const NOW: readonly [Status, string][] = [
  ["running", "running"],
  ["waiting", "waiting"],
  ["init", "listing"],
  ["paused", "paused"],
  ["failed", "failed"],
];

export function Overview() {
  const desk = useDesk();
  const [span, setSpan] = useState("1d");
  const shape = useCell(desk.board.shape);
  const { told, error, isForbidden } = useReading<Told>(`/api/overview?from=${span}`, EVERY_MS, [
    shape,
  ]);
  return (
    <main class="view" aria-labelledby="view-title">
      <div class="view-head">
        <h2 id="view-title">Overview</h2>
        <Spans span={span} onChoose={setSpan} />
      </div>
      {isForbidden && (
        <State title="The overview is for employees and admins">
          It tells of everybody's jobs. Your own are under Jobs.
        </State>
      )}
      {error !== null && !isForbidden && told === null && (
        <State title="The overview cannot be read just now">
          {error} This page tries again by itself.
        </State>
      )}
      {error !== null && told !== null && <p class="note">{error} What you see may be old.</p>}
      {told === null && error === null && <State title="Reading the overview …" />}
      {told !== null && !isForbidden && <Whole told={told} />}
    </main>
  );
}

function Whole({ told }: { told: Told }) {
  const total = told.bytes.reduce((sum, one) => sum + one, 0);
  const [chosen, setChosen] = useState<string | null>(null);
  const pair = told.pairs.find((one) => way(one) === chosen);
  return (
    <>
      <Tallies told={told} total={total} />
      <section aria-label="Throughput">
        <h3>Throughput {pair ? `from ${way(pair)}` : "of all pairs"}</h3>
        <Plot
          begins_at={told.begins_at}
          step_s={told.step_s}
          lines={[{ word: "moved", tone: "accent", bytes: (pair ?? told).bytes }]}
        />
      </section>
      <div class="halves">
        <Pairs pairs={told.pairs} step_s={told.step_s} chosen={chosen} onChoose={setChosen} />
        <Failures failures={told.failures} />
      </div>
    </>
  );
}

function Tallies({ told, total }: { told: Told; total: number }) {
  return (
    <dl class="tallies">
      {NOW.map(([status, word]) => (
        <div key={status} data-status={told.now[status] ? status : undefined}>
          <dt>{word}</dt>
          <dd>
            <Link to={`/?status=${status}`}>
              {format.count(told.now[status] ?? 0)}
              <span class="unseen"> {word} jobs</span>
            </Link>
          </dd>
        </div>
      ))}
      <div class="then">
        <dt>done</dt>
        <dd>{format.count(told.done)}</dd>
      </div>
      <div data-status={told.failed > 0 ? "failed" : undefined}>
        <dt title="That came to stand failed since, and still do">newly failed</dt>
        <dd>{format.count(told.failed)}</dd>
      </div>
      <div>
        <dt>aborted</dt>
        <dd>{format.count(told.aborted)}</dd>
      </div>
      <div>
        <dt>moved</dt>
        <dd title={`${format.count(total)} bytes`}>{format.size(total)}</dd>
      </div>
      <div class="since">
        <dt class="unseen">since</dt>
        <dd>
          since <Time at={told.begins_at} />
        </dd>
      </div>
    </dl>
  );
}

function way({ source, destination }: PairFlow): string {
  return `${shown(source)} to ${shown(destination)}`;
}

interface PairsProps {
  pairs: readonly PairFlow[];
  step_s: number;
  chosen: string | null;
  onChoose: (way: string | null) => void;
}

/** One that is chosen is drawn large. */
function Pairs({ pairs, step_s, chosen, onChoose }: PairsProps) {
  return (
    <section aria-label="Pairs">
      <h3>Busiest pairs</h3>
      {pairs.length === 0 && <p class="aside">Nothing was moved in that time.</p>}
      {pairs.length > 0 && (
        <table class="plain flows">
          <thead>
            <tr>
              <th>From and to</th>
              <th class="figure">Moved</th>
              <th class="figure">At most</th>
              <th class="figure">Running</th>
              <th>Over time</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map((pair) => (
              <tr key={way(pair)}>
                <th scope="row">
                  <button
                    type="button"
                    class="quiet"
                    aria-pressed={way(pair) === chosen}
                    title="Draw this one alone, or all again"
                    onClick={() => onChoose(way(pair) === chosen ? null : way(pair))}
                  >
                    <bdi>{shown(pair.source)}</bdi> → <bdi>{shown(pair.destination)}</bdi>
                  </button>
                </th>
                <td class="figure">{format.size(pair.total)}</td>
                <td class="figure">{format.rate(Math.max(0, ...pair.bytes) / step_s)}</td>
                <td class="figure">{format.count(pair.running)}</td>
                <td>
                  <Spark bytes={pair.bytes} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Its figures stand beside it. */
function Spark({ bytes }: { bytes: readonly number[] }) {
  const { width, height } = SPARK;
  return (
    <svg
      class="pace"
      aria-hidden="true"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
    >
      <path d={area([...bytes], width, height)} />
    </svg>
  );
}

function Failures({ failures }: { failures: readonly Failure[] }) {
  return (
    <section aria-label="Failures">
      <h3>What stands failed, and why</h3>
      {failures.length === 0 && <p class="aside">Nothing does.</p>}
      <ul class="failures">
        {failures.map((one) => (
          <li key={one.error_class}>
            <span class="bad">
              {one.error_class ?? "other"} {format.count(one.jobs)}
            </span>{" "}
            <Link to={addressOf(one.job)}>{shown(one.name)}</Link>{" "}
            <span class="aside">
              <Time at={one.at} />
              {one.jobs > 1 && ", the newest of them"}
            </span>
            {one.message && <p>{shown(one.message)}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
