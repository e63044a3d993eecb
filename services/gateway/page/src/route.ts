// What the address keeps: the view, the tab, the search and the opened jobs, so that a link shows
// the same. `/jobs/<id>` is one job as a page of its own.

import type { Tab } from "./board.ts";

/** The tabs of a job. */
export const SHOWS = ["tasks", "log", "graph", "why", "settings"] as const;
export type Show = (typeof SHOWS)[number];

export interface Route {
  /** The job that has the page to itself. */
  job: string | null;
  show: Show;
  tab: Tab;
  search: string;
  open: ReadonlySet<string>;
  /** Show queues without jobs too. */
  empty: boolean;
}

const OF_JOB = /^\/jobs\/([^/]+)\/?$/;

export function read(path: string, query: string): Route {
  const given = new URLSearchParams(query);
  const show = given.get("show");
  return {
    job: OF_JOB.exec(path)?.[1] ?? null,
    show: SHOWS.find((one) => one === show) ?? "tasks",
    tab: given.get("state") === "finished" ? "finished" : "active",
    search: given.get("search") ?? "",
    open: new Set(given.getAll("job")),
    empty: given.get("queues") === "all",
  };
}

/** The address of a route, `/` for the page as it opens. */
export function write(route: Route): string {
  const query = new URLSearchParams();
  if (route.tab === "finished") query.set("state", route.tab);
  if (route.search) query.set("search", route.search);
  if (route.empty) query.set("queues", "all");
  for (const id of route.open) query.append("job", id);
  if (route.job !== null && route.show !== "tasks") query.set("show", route.show);
  const text = query.toString();
  return (route.job === null ? "/" : `/jobs/${route.job}`) + (text && `?${text}`);
}

/** One job by itself, without what the list shows. */
export function addressOf(job: string, show: Show = "tasks"): string {
  return write({ job, show, tab: "active", search: "", open: new Set(), empty: false });
}
