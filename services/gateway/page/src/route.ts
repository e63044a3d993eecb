// What the address keeps: the view, the tab, what is searched, filtered and sorted, and the opened
// jobs, so that a link shows the same. `/jobs/<id>` is one job as a page of its own.

import type { Tab } from "./board.ts";
import type { Status } from "./resources.ts";

/** The tabs of a job. */
export const SHOWS = ["tasks", "log", "graph", "why", "settings"] as const;
export type Show = (typeof SHOWS)[number];

export const STATUSES: readonly Status[] = [
  "running",
  "waiting",
  "init",
  "paused",
  "failed",
  "done",
  "aborted",
];

/** What rows can be sorted by, other than by their place. */
export const SORTS = [
  "name",
  "status",
  "progress",
  "speed",
  "left",
  "size",
  "tasks",
  "retries",
  "user",
  "queue",
  "created",
] as const;
export type SortKey = (typeof SORTS)[number];

export interface Sort {
  key: SortKey;
  isDown: boolean;
}

/** Empty is everything. */
export interface Filters {
  statuses: ReadonlySet<Status>;
  kind: string;
  user: string;
  queue: string;
}

export interface Route extends Filters {
  /** The job that has the page to itself. */
  job: string | null;
  show: Show;
  tab: Tab;
  search: string;
  open: ReadonlySet<string>;
  /** Show queues without jobs too. */
  empty: boolean;
  /** Grouped by status, and not as is usual (by queue; of finished ones by day). */
  byStatus: boolean;
  sort: Sort | null;
}

export const UNFILTERED: Filters = { statuses: new Set(), kind: "", user: "", queue: "" };
const OF_JOB = /^\/jobs\/([^/]+)\/?$/;

export function read(path: string, query: string): Route {
  const given = new URLSearchParams(query);
  const show = given.get("show");
  const statuses = (given.get("status") ?? "").split(",");
  return {
    job: OF_JOB.exec(path)?.[1] ?? null,
    show: SHOWS.find((one) => one === show) ?? "tasks",
    tab: given.get("state") === "finished" ? "finished" : "active",
    search: given.get("search") ?? "",
    open: new Set(given.getAll("job")),
    empty: given.get("queues") === "all",
    byStatus: given.get("group") === "status",
    sort: sortOf(given.get("sort") ?? ""),
    statuses: new Set(STATUSES.filter((one) => statuses.includes(one))),
    kind: given.get("kind") ?? "",
    user: given.get("user") ?? "",
    queue: given.get("queue") ?? "",
  };
}

/** `size`, or `-size` for the largest first. */
function sortOf(text: string): Sort | null {
  const key = SORTS.find((one) => one === text.replace(/^-/, ""));
  return key === undefined ? null : { key, isDown: text.startsWith("-") };
}

/** The address of a route, `/` for the page as it opens. */
export function write(route: Route): string {
  const query = new URLSearchParams();
  const set = (name: string, value: string): void => {
    if (value) query.set(name, value);
  };
  set("state", route.tab === "finished" ? route.tab : "");
  set("search", route.search);
  set("status", STATUSES.filter((one) => route.statuses.has(one)).join(","));
  set("kind", route.kind);
  set("user", route.user);
  set("queue", route.queue);
  set("queues", route.empty ? "all" : "");
  set("group", route.byStatus ? "status" : "");
  set("sort", route.sort === null ? "" : (route.sort.isDown ? "-" : "") + route.sort.key);
  for (const id of route.open) query.append("job", id);
  set("show", route.job !== null && route.show !== "tasks" ? route.show : "");
  const text = query.toString().replaceAll("%2C", ",");
  return (route.job === null ? "/" : `/jobs/${route.job}`) + (text && `?${text}`);
}

/** One job by itself, without what the list shows. */
export function addressOf(job: string, show: Show = "tasks"): string {
  return write({ ...read("/", ""), job, show });
}
