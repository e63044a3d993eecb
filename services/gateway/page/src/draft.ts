// A job before it is submitted: as typed, as the API takes it, made from one that was. Pure.

import type { Job, LogLine, Setting } from "./resources.ts";
import { value, type Value } from "./setting.ts";

export type Kind = "transfer" | "compute";

/** All as text, for that is what is typed. */
export interface Draft {
  kind: Kind;
  sources: string[];
  destination: string;
  command: string;
  range: string;
  filters: string;
  environment: string;
  cwd: string;
  name: string;
  queue: string;
  after: string;
  paused: boolean;
  settings: Record<string, string>;
}

export const BLANK: Draft = {
  kind: "transfer",
  sources: [],
  destination: "",
  command: "",
  range: "",
  filters: "",
  environment: "",
  cwd: "",
  name: "",
  queue: "",
  after: "",
  paused: false,
  settings: {},
};

/** Those that the form asks for; all others are a click away once the job is there. */
export const OPTIONS: Record<Kind, readonly string[]> = {
  transfer: [
    "transfer_include",
    "transfer_exclude",
    "transfer_mode",
    "transfer_comparison",
    "transfer_symlinks",
    "transfer_speedlimit",
    "transfer_stable_s",
    "job_on_missing",
    "job_max_retries",
  ],
  compute: ["task_bucketsize", "task_limit_s", "compute_avoid", "job_max_retries"],
};

export function path({ kind }: Draft): string {
  return kind === "transfer" ? "/api/jobs" : "/api/jobs/compute";
}

/** What is left empty is left out. `known` says which settings are numbers. */
export function body(draft: Draft, known: readonly Setting[]): Record<string, unknown> {
  const { sources, filters, environment, after } = draft;
  const common = {
    name: draft.name.trim() || null,
    queue: draft.queue || null,
    paused: draft.paused,
    depends_on: split(after),
    settings: settings(draft, known),
  };
  if (draft.kind === "transfer") {
    const source = sources.length === 1 ? sources[0] : sources;
    return { source, destination: draft.destination.trim(), ...common };
  }
  return {
    command: draft.command.trim(),
    range: draft.range.trim(),
    filters: filters
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean),
    environment: variables(environment),
    cwd: draft.cwd.trim(),
    ...common,
  };
}

function split(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function settings(draft: Draft, known: readonly Setting[]): Record<string, Value> {
  const held: Record<string, Value> = {};
  for (const [name, typed] of Object.entries(draft.settings)) {
    const setting = known.find((one) => one.name === name);
    if (typed.trim() !== "") held[name] = setting ? value(setting, typed.trim()) : typed.trim();
  }
  return held;
}

/** `NAME=VALUE` a line; a line without `=` is a name without a value. */
function variables(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1)];
    }),
  );
}

/** In a name that only looks like a sequence, these are the characters themselves. */
export function literal(path: string): string {
  return path.replace(/[%[\]]/g, (character) => `\\${character}`);
}

interface Part {
  path: string;
  frames?: string;
}

interface Submitted {
  work?: { parts?: Part[] };
}

/**
 * To submit a job again. `first` is the first line of its log, which tells of several sources as
 * they were submitted; `held` are the settings that hold for it, of which it keeps its own.
 */
export function again(job: Job, first: LogLine | undefined, held: readonly Setting[]): Draft {
  const told = (first?.type === "job.submitted" ? first.data : {}) as Submitted;
  const own = held.filter((one) => one.source === "job");
  const common = {
    name: job.name,
    queue: job.queue,
    after: job.depends_on.join(" "),
    settings: Object.fromEntries(own.map((one) => [one.name, String(one.value)])),
  };
  if (job.compute === null) {
    const sources = sourcesOf(job.source ?? "", told.work?.parts ?? []);
    return { ...BLANK, ...common, sources, destination: job.destination ?? "" };
  }
  const { command, range, filters, environment, cwd } = job.compute;
  const lines = Object.entries(environment).map(([name, one]) => `${name}=${one}`);
  const texts = { filters: filters.join(", "), environment: lines.join("\n") };
  return { ...BLANK, ...common, kind: "compute", command, range, cwd, ...texts };
}

function sourcesOf(source: string, parts: readonly Part[]): string[] {
  const at = source.indexOf("/") + 1;
  const [place, folder] = [source.slice(0, at), source.slice(at)];
  if (parts.length === 0) return [place + literal(folder)];
  const above = folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
  return parts.map((part) =>
    part.frames
      ? `${place}${literal(above)}${part.path}[${part.frames}]`
      : place + literal(above + part.path),
  );
}
