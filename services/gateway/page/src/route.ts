// What the address keeps: the tab, the search and the opened jobs, so that a link shows the same.

import type { Tab } from "./board.ts";

export interface Route {
  tab: Tab;
  search: string;
  open: ReadonlySet<string>;
  /** Show queues without jobs too. */
  empty: boolean;
}

export function read(query: string): Route {
  const given = new URLSearchParams(query);
  return {
    tab: given.get("state") === "finished" ? "finished" : "active",
    search: given.get("search") ?? "",
    open: new Set(given.getAll("job")),
    empty: given.get("queues") === "all",
  };
}

/** The query of a route, empty for the page as it opens. */
export function write(route: Route): string {
  const query = new URLSearchParams();
  if (route.tab === "finished") query.set("state", route.tab);
  if (route.search) query.set("search", route.search);
  if (route.empty) query.set("queues", "all");
  for (const id of route.open) query.append("job", id);
  const text = query.toString();
  return text && `?${text}`;
}
