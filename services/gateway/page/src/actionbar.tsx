// What can be done to the selected jobs; there while some are selected.

import { useEffect, useRef } from "preact/hooks";

import type { Verb } from "./api.ts";
import { Cell, useCell } from "./cell.ts";
import { useDesk } from "./desk.ts";
import { Elsewhere } from "./elsewhere.tsx";
import * as format from "./format.ts";
import { Icon } from "./icons.tsx";
import { VERB_WORDS } from "./jobs.ts";
import { words } from "./lists.ts";
import { able, inOrder, move, tellAll } from "./orders.ts";
import { jobsOf } from "./view.ts";

const VERBS: readonly Verb[] = ["pause", "resume", "retry", "abort"];

/** Whether it is asked whether all of them shall be aborted. */
export const askingAll = new Cell(false);

export function ActionBar() {
  const desk = useDesk();
  const ids = useCell(desk.picking.ids);
  const isAsking = useCell(askingAll);
  useCell(desk.board.shape);
  useEffect(() => askingAll.set(false), [ids]);
  if (ids.size === 0) return null;
  const picked = [...ids];
  return (
    <div class="action-bar" role="toolbar" aria-label="Selected jobs">
      <span role="status">{format.count(ids.size)} selected</span>
      {isAsking ? (
        <AskAll ids={picked} />
      ) : (
        <>
          {VERBS.map((verb) => (
            <Tell key={verb} ids={picked} verb={verb} />
          ))}
          <Places ids={picked} />
        </>
      )}
      <AllMatching />
      <button
        type="button"
        class="quiet"
        aria-label="Select nothing"
        title="Select nothing (Esc)"
        onClick={() => desk.picking.clear()}
      >
        <Icon name="abort" />
      </button>
    </div>
  );
}

function Tell({ ids, verb }: { ids: string[]; verb: Verb }) {
  const desk = useDesk();
  const jobs = able(desk, ids, verb);
  if (jobs.length === 0) return null;
  const some = jobs.length < ids.length ? ` ${format.count(jobs.length)}` : "";
  const press = (): void => {
    if (verb === "abort") askingAll.set(true);
    else void tellAll(desk, jobs, verb);
  };
  return (
    <button type="button" data-verb={verb} onClick={press}>
      <Icon name={verb} />
      {VERB_WORDS[verb].word + some}
    </button>
  );
}

function AskAll({ ids }: { ids: string[] }) {
  const desk = useDesk();
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => yes.current?.focus(), []);
  const jobs = able(desk, ids, "abort");
  const abort = (): void => {
    askingAll.set(false);
    void tellAll(desk, jobs, "abort");
  };
  return (
    <span class="ask" role="group" aria-label="Abort them?">
      <button ref={yes} type="button" class="danger" onClick={abort}>
        Abort {format.count(jobs.length)} {jobs.length === 1 ? "job" : "jobs"}
      </button>
      <button type="button" onClick={() => askingAll.set(false)}>
        Keep
      </button>
    </span>
  );
}

function Places({ ids }: { ids: string[] }) {
  const desk = useDesk();
  const { tab } = useCell(desk.route);
  if (tab === "finished") return null;
  const to = (end: "top" | "bottom"): void => void move(desk, inOrder(desk, ids), { to: end });
  return (
    <>
      <button type="button" onClick={() => to("top")}>
        <Icon name="top" />
        Top
      </button>
      <button type="button" onClick={() => to("bottom")}>
        <Icon name="bottom" />
        Bottom
      </button>
      <Elsewhere ids={inOrder(desk, ids)} />
    </>
  );
}

/** Those that are not read yet are read first. */
function AllMatching() {
  const desk = useDesk();
  const route = useCell(desk.route);
  const picked = useCell(desk.picking.ids);
  const loaded = useCell(desk.lists.of(route.tab));
  const listed = jobsOf(desk.listing.items);
  const isAll = listed.every((id) => picked.has(id));
  if (isAll && loaded.next === null) return null;
  const select = async (): Promise<void> => {
    try {
      const isWhole = loaded.next === null || (await desk.lists.all(route));
      if (!isWhole) desk.toast("There are more than can be selected at once: these are the first.");
      const jobs = [...desk.board.jobs.values()].map((cell) => cell.get());
      const found = jobs.filter((job) => desk.isListed(job));
      desk.picking.all(found.map((job) => job.id));
    } catch (error) {
      desk.toast(`Could not select all: ${words(error)}`);
    }
  };
  return (
    <button type="button" onClick={() => void select()}>
      Select all that match
    </button>
  );
}
