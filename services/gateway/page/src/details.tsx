// An opened job: its facts, and beside them one of its tabs. In its row or as a page of its own.

import { useEffect, useState } from "preact/hooks";

import { type Cell, useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Facts } from "./facts.tsx";
import { Footer } from "./footer.tsx";
import * as format from "./format.ts";
import { Graph } from "./graph.tsx";
import { Icon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { JobLog } from "./log.tsx";
import { shown } from "./names.ts";
import type { Job } from "./resources.ts";
import { addressOf, type Show, SHOWS } from "./route.ts";
import { OfJob } from "./settings.tsx";
import { TabPanel, Tabs } from "./tabs.tsx";
import { Tasks } from "./tasks.tsx";
import { Why } from "./why.tsx";

export function Details({ cell, isWhole = false }: { cell: Cell<Job>; isWhole?: boolean }) {
  const job = useCell(cell);
  const desk = useDesk();
  const [show, choose] = useShow(job.id, isWhole);
  useEffect(() => void desk.refresh(job.id), [job.id]);
  return (
    <section
      class={isWhole ? "details whole" : "details"}
      aria-label={`Details of ${shown(job.name)}`}
    >
      <Facts job={job} />
      <div class="more">
        <div class="tab-bar">
          <Tabs
            of={job.id}
            label="What to show"
            tabs={SHOWS.map((key) => ({ key, word: word(key, job) }))}
            chosen={show}
            onChoose={choose}
          />
          <span class="stretch" />
          <Link class="alone" to={`/submit?repeat=${job.id}`}>
            Repeat …
          </Link>
          {!isWhole && (
            <Link class="alone" to={addressOf(job.id, show)}>
              <Icon name="alone" />
              Own page<span class="unseen"> of {shown(job.name)}</span>
            </Link>
          )}
        </div>
        <TabPanel of={job.id} chosen={show}>
          <Shown job={job} show={show} />
        </TabPanel>
      </div>
      <Footer job={job} />
    </section>
  );
}

/** A page of its own keeps its tab in the address; an opened row while the page is open. */
function useShow(id: string, isWhole: boolean): [Show, (show: Show) => void] {
  const desk = useDesk();
  const { show } = useCell(desk.route);
  const [inRow, setInRow] = useState<Show>(desk.shows.get(id) ?? "tasks");
  if (isWhole) return [show, (chosen) => desk.go({ show: chosen })];
  const choose = (chosen: Show): void => {
    desk.shows.set(id, chosen);
    setInRow(chosen);
  };
  return [inRow, choose];
}

function word(show: Show, job: Job): string {
  const words: Record<Show, string> = {
    tasks: `Tasks ${job.tasks_total ? format.count(job.tasks_total) : ""}`.trim(),
    log: "Log",
    graph: "Graph",
    why: "Why",
    settings: "Settings",
  };
  return words[show];
}

function Shown({ job, show }: { job: Job; show: Show }) {
  switch (show) {
    case "tasks":
      return <Tasks job={job} />;
    case "log":
      return <JobLog job={job} />;
    case "graph":
      return <Graph job={job} />;
    case "why":
      return <Why job={job} />;
    case "settings":
      return <OfJob job={job} />;
  }
}
