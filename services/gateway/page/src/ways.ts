// What ends a job's waiting, as things that can be done about it from here. Pure.
//
// The scheduler says in a reason's `release` what would end it; a button stands for each part of it
// that is one command and that the viewer's role allows.

import type { Verb } from "./api.ts";
import { VERB_WORDS, verbs } from "./jobs.ts";
import { shown } from "./names.ts";
import type { Job, Me, Reason } from "./resources.ts";

export type Way =
  | { do: "job"; verb: Verb; job: string; words: string }
  | { do: "above"; job: string; words: string }
  | { do: "queue"; queue: string; code: string; words: string }
  | { do: "restart"; words: string }
  | { do: "elsewhere"; words: string };

/** `jobs` are those that the page knows: of another one nobody can say what may be done to it. */
export function ways(
  job: Job,
  reason: Reason,
  me: Me | null,
  jobs: (id: string) => Job | undefined,
): Way[] {
  const { code, holder, release } = reason;
  const holds = holder?.kind === "job" ? jobs(holder.id) : undefined;
  switch (code) {
    case "queue_paused":
      return [
        ...(seesAll(me) && holder ? [queueResumed(holder.id, holder.name)] : []),
        { do: "elsewhere", words: "Move to another queue" },
      ];
    case "behind_job":
      return [
        ...(holder && release.includes("moved above")
          ? [{ do: "above" as const, job: holder.id, words: `Move above ${shown(holder.name)}` }]
          : []),
        ...(release.includes("higher priority")
          ? [{ do: "elsewhere" as const, words: "Move to another queue" }]
          : []),
        ...onHolder(holds, "pause"),
      ];
    case "no_free_lane":
      return onHolder(holds, "pause");
    case "waiting_for_job":
      return [...onHolder(holds, "retry"), ...onHolder(holds, "resume")];
    case "backing_off":
    case "no_space":
      return [{ do: "job", verb: "retry", job: job.id, words: "Retry now" }];
    case "avoided":
      return release.includes("paused and resumed")
        ? [{ do: "restart", words: "Pause and resume" }]
        : [];
    default:
      return [];
  }
}

/** What a person can do about a job that does not wait but stands still. */
export function waysOn(job: Job): Way[] {
  return (["resume", "retry"] as const)
    .filter((verb) => job.status !== "done" && verbs(job.status).includes(verb))
    .map((verb) => ({ do: "job", verb, job: job.id, words: VERB_WORDS[verb].word }));
}

function seesAll(me: Me | null): boolean {
  return me !== null && me.role !== "user";
}

function queueResumed(queue: string, code: string): Way {
  return { do: "queue", queue, code, words: `Resume queue ${shown(code)}` };
}

function onHolder(holder: Job | undefined, verb: Verb): Way[] {
  if (holder === undefined || !verbs(holder.status).includes(verb)) return [];
  if (verb === "retry" && holder.status === "done") return [];
  return [
    { do: "job", verb, job: holder.id, words: `${VERB_WORDS[verb].word} ${shown(holder.name)}` },
  ];
}
