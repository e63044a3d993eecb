// What a person does to tasks of an opened job: to those selected, or to all that have a status.

import { useState } from "preact/hooks";

import { commandTasks, type TaskVerb } from "./api.ts";
import { useDesk } from "./desk.ts";
import * as format from "./format.ts";
import { words } from "./lists.ts";
import type { Job } from "./resources.ts";
import { count, type Selection, text } from "./selection.ts";

export const STATUS_WORDS: Record<string, string> = { onhold: "on hold" };

const VERBS: [TaskVerb, string, string][] = [
  ["retry", "Retry", "Run them again, whatever they are at"],
  ["hold", "Hold", "Stop them, or keep them from starting, until they are retried"],
  ["fail", "Set failed", "They are not retried by themselves"],
  ["done", "Set done", "Nothing more is moved or run for them"],
  ["exclude", "Exclude", "Leave them out of the job; they are kept for the record"],
];
const SELECTED = "selected";
const SETS: [string, string][] = [
  ["all", "all tasks"],
  ["failed", "all failed"],
  ["queued", "all queued"],
  ["executing", "all executing"],
  ["done", "all done"],
  ["onhold", "all on hold"],
  ["excluded", "all excluded"],
];

interface Chosen {
  job: Job;
  selection: Selection;
  onDone: () => void;
}

export function Hands({ job, selection, onDone }: Chosen) {
  const desk = useDesk();
  const [which, setWhich] = useState(SELECTED);
  const [isBusy, setBusy] = useState(false);
  const picked = count(selection);
  const target = which === SELECTED ? text(selection) : which;
  const why = impossible(job, target);
  const act = async (verb: TaskVerb): Promise<void> => {
    setBusy(true);
    try {
      await commandTasks(job.id, verb, target);
      onDone();
      setWhich(SELECTED);
    } catch (error) {
      desk.toast(words(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="hands" role="group" aria-label="Change tasks">
      <select
        aria-label="Which tasks"
        value={which}
        onChange={(event) => setWhich(event.currentTarget.value)}
      >
        <option value={SELECTED}>{`${format.count(picked)} selected`}</option>
        {SETS.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {VERBS.map(([verb, label, meaning]) => (
        <button
          key={verb}
          type="button"
          disabled={isBusy || why !== null}
          title={why ?? meaning}
          onClick={() => void act(verb)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function impossible(job: Job, target: string): string | null {
  if (job.status === "init") return "The source is being listed: its tasks are known after that";
  return target === "" ? "Select tasks first: click them, or press space" : null;
}
