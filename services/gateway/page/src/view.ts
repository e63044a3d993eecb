// What a list shows, in which order: pure, from rows to groups to the flat items of the list.

import { type Tab, tabOf } from "./board.ts";
import { day, dayKey } from "./format.ts";
import { STATUS_WORDS } from "./jobs.ts";
import type { Job, Queue, Status } from "./resources.ts";
import { type Filters, type Sort, type SortKey, STATUSES } from "./route.ts";

export interface Group {
  key: string;
  title: string;
  /** Null where the group is not a queue but a day or a status. */
  queue: Queue | null;
  jobs: Job[];
}

export type Item =
  { kind: "group"; key: string; group: Group } | { kind: "job"; key: string; id: string };

export interface Listing {
  items: readonly Item[];
  groups: readonly Group[];
}

const UNKNOWN_QUEUE = { priority: -1, code: "" };

/** True if the row belongs on the tab, or left it so lately that it may still be being read. */
export function isOn(tab: Tab, job: Job, staysUntil: number | undefined, now: number): boolean {
  return tabOf(job) === tab || (staysUntil ?? 0) > now;
}

/** The needle is somewhere in the name, the paths, the endpoints, the user or the id. */
export function matches(job: Job, search: string): boolean {
  const needle = search.trim().toLowerCase();
  const { name, source, destination, user, id, compute } = job;
  const texts = [name, source, destination, user, id, compute?.command];
  return texts.join("\n").toLowerCase().includes(needle);
}

/** Whether the filters let it through. */
export function isWanted(job: Job, { statuses, kind, user, queue }: Filters): boolean {
  if (statuses.size > 0 && !statuses.has(job.status)) return false;
  if (kind && job.kind !== kind) return false;
  return (!user || job.user === user) && (!queue || job.queue === queue);
}

export function isFiltered({ statuses, kind, user, queue }: Filters): boolean {
  return statuses.size > 0 || Boolean(kind || user || queue);
}

/** Numbers and texts by which rows are sorted; null goes to the end, whichever way. */
const SORTED_BY: Record<SortKey, (job: Job) => number | string | null> = {
  name: (job) => job.name.toLowerCase(),
  status: (job) => STATUSES.indexOf(job.status),
  progress: (job) => job.progress,
  speed: (job) => (job.status === "running" ? job.bytes_per_second : null),
  left: (job) => job.eta_s,
  size: (job) => job.size,
  tasks: (job) => job.tasks_total,
  retries: retries,
  user: (job) => job.user.toLowerCase(),
  queue: (job) => job.queue,
  created: (job) => job.created_at,
};

/** How often it failed since a person last sent it on its way. */
export function retries(job: Job): number {
  return Object.values(job.failures).reduce((sum, one) => sum + one, 0);
}

/** The same jobs in another order; those that are alike stay as they stand. */
export function sorted(jobs: Job[], { key, isDown }: Sort): Job[] {
  const by = SORTED_BY[key];
  return [...jobs].sort((a, b) => {
    const [one, other] = [by(a), by(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const order = one < other ? -1 : one > other ? 1 : 0;
    return isDown ? -order : order;
  });
}

export function resorted(groups: Group[], sort: Sort | null): Group[] {
  if (sort === null) return groups;
  return groups.map((group) => ({ ...group, jobs: sorted(group.jobs, sort) }));
}

/** A group a status, those that move first; in each the jobs as their queues have them. */
export function byStatus(jobs: Job[], queues: readonly Queue[]): Group[] {
  const inOrder = byQueue(jobs, queues, false).flatMap((group) => group.jobs);
  const groups = Map.groupBy(inOrder, (job) => job.status);
  return STATUSES.flatMap((status) => {
    const members = groups.get(status);
    const title = STATUS_WORDS[status];
    return members ? [{ key: `status:${status}`, title, queue: null, jobs: members }] : [];
  });
}

/** One group of all. */
export function together(jobs: Job[], title: string): Group[] {
  return jobs.length > 0 ? [{ key: "all", title, queue: null, jobs }] : [];
}

/** Queues by priority, highest first; in each the jobs by place. */
export function byQueue(jobs: Job[], queues: readonly Queue[], withEmpty: boolean): Group[] {
  const rows = new Map(queues.map((queue) => [queue.code, queue]));
  const groups = Map.groupBy(jobs, (job) => job.queue);
  if (withEmpty) for (const queue of queues) groups.set(queue.code, groups.get(queue.code) ?? []);
  return [...groups]
    .map(([code, members]) => queueGroup(code, rows.get(code) ?? null, members))
    .sort((a, b) => byPriority(a.queue ?? UNKNOWN_QUEUE, b.queue ?? UNKNOWN_QUEUE));
}

function queueGroup(code: string, queue: Queue | null, jobs: Job[]): Group {
  return { key: `queue:${code}`, title: code, queue, jobs: jobs.sort(byPlace) };
}

/** As their jobs run: the highest priority first. */
export function inOrder(queues: readonly Queue[]): Queue[] {
  return [...queues].sort(byPriority);
}

function byPriority(a: Pick<Queue, "priority" | "code">, b: Pick<Queue, "priority" | "code">) {
  return b.priority - a.priority || compare(a.code, b.code);
}

function byPlace(a: Job, b: Job): number {
  return compare(a.place, b.place) || compare(a.id, b.id);
}

/** Newest first, a group a day of the viewer's zone. */
export function byDay(jobs: Job[], now: number): Group[] {
  const end = (job: Job): string => job.finished_at ?? job.created_at;
  jobs.sort((a, b) => compare(end(b), end(a)) || compare(b.id, a.id));
  return [...Map.groupBy(jobs, (job) => dayKey(end(job)))].map(([key, members]) => ({
    key: `day:${key}`,
    title: members[0] ? day(end(members[0]), now) : key,
    queue: null,
    jobs: members,
  }));
}

export function flat(groups: Group[]): Item[] {
  return groups.flatMap((group) => [
    { kind: "group" as const, key: group.key, group },
    ...group.jobs.map((job) => ({ kind: "job" as const, key: job.id, id: job.id })),
  ]);
}

/** The ids of the list's jobs, in its order. */
export function jobsOf(items: readonly Item[]): string[] {
  return items.flatMap((item) => (item.kind === "job" ? [item.id] : []));
}

/** `2 running · 14 waiting`, in the order in which a reader cares. */
const COUNTED: readonly [Status, string][] = [
  ["running", "running"],
  ["failed", "failed"],
  ["paused", "paused"],
  ["init", "listing"],
  ["waiting", "waiting"],
  ["done", "done"],
  ["aborted", "aborted"],
];

export function tally(jobs: readonly Job[]): { status: Status; word: string; count: number }[] {
  const counts = new Map<Status, number>();
  for (const job of jobs) counts.set(job.status, (counts.get(job.status) ?? 0) + 1);
  return COUNTED.map(([status, word]) => ({ status, word, count: counts.get(status) ?? 0 })).filter(
    (one) => one.count > 0,
  );
}

/** By code point, as the server sorts (`COLLATE "C"`). */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
