// Brings the two lists into the board, a page at a time: the first fast, the rest behind it.

import { ApiError, get } from "./api.ts";
import { type Board, type Tab, tabOf } from "./board.ts";
import { Cell } from "./cell.ts";
import type { Endpoint, Job, JobPage, Queue } from "./resources.ts";
import type { Filters } from "./route.ts";

const FIRST_PAGE = 200;
const NEXT_PAGE = 500;
const AHEAD_MAX = 3_000;
const ALL_PAGES_MAX = 20;
const FINISHED_KEPT_MAX = 2_000;
const RECOUNT_MS = 10_000;
const AGAIN_MS = 2_000;

/** `error` is in words; `next` the cursor of what is not loaded yet; `total` counts all. */
export interface Loaded {
  phase: "unloaded" | "loading" | "ready";
  error: string | null;
  next: string | null;
  total: number | null;
}

const UNLOADED: Loaded = { phase: "unloaded", error: null, next: null, total: null };

export class Lists {
  readonly active = new Cell<Loaded>(UNLOADED);
  readonly finished = new Cell<Loaded>(UNLOADED);
  private readonly board: Board;
  private recounting = false;

  constructor(board: Board) {
    this.board = board;
  }

  of(tab: Tab): Cell<Loaded> {
    return tab === "active" ? this.active : this.finished;
  }

  /** Load the beginning of a list, once; until it succeeds it is tried again. */
  async open(tab: Tab): Promise<void> {
    const cell = this.of(tab);
    if (cell.get().phase !== "unloaded") return;
    cell.set({ ...cell.get(), phase: "loading" });
    while (!(await this.load(tab, FIRST_PAGE))) await wait(AGAIN_MS);
    cell.set({ ...cell.get(), phase: "ready" });
    if (tab === "active") void this.loadAhead();
  }

  /** Nothing is loaded any more; what was counted stands until it is counted again. */
  close(): void {
    for (const cell of [this.active, this.finished]) {
      cell.set({ ...UNLOADED, total: cell.get().total });
    }
  }

  /** The next page, when the viewer has come near the end of what is loaded. */
  async more(tab: Tab): Promise<void> {
    const cell = this.of(tab);
    if (cell.get().phase !== "ready" || cell.get().next === null) return;
    cell.set({ ...cell.get(), phase: "loading" });
    await this.load(tab, NEXT_PAGE);
    cell.set({ ...cell.get(), phase: "ready" });
  }

  /** Matches that are not loaded yet; the others are found among the rows that are here. */
  async search(wanted: Sought, signal: AbortSignal): Promise<void> {
    const queries = asked(wanted);
    if (queries.length === 0 || this.of(wanted.tab).get().next === null) return;
    for (const query of queries) {
      query.set("limit", String(FIRST_PAGE));
      this.board.takePage(await get<JobPage>(`/api/jobs?${query}`, signal));
    }
  }

  /** The newest page of somebody's own jobs. */
  async mine(name: string, tab: Tab): Promise<void> {
    if (this.of(tab).get().phase === "ready" && this.of(tab).get().next === null) return;
    const query = new URLSearchParams({ state: tab, search: name, limit: String(FIRST_PAGE) });
    try {
      this.board.takePage(await get<JobPage>(`/api/jobs?${query}`));
    } catch {
      // The list says what is wrong; here what is known is shown.
    }
  }

  /** All that match, up to a bound; true if that is all there is. */
  async all(wanted: Sought): Promise<boolean> {
    const unbounded = new URLSearchParams({ state: wanted.tab });
    const queries = asked(wanted);
    for (const query of queries.length > 0 ? queries : [unbounded]) {
      query.set("limit", String(NEXT_PAGE));
      for (let pages = 0; ; pages++) {
        if (pages === ALL_PAGES_MAX) return false;
        const page = await get<JobPage>(`/api/jobs?${query}`);
        this.board.takePage(page);
        if (page.next === null) break;
        query.set("cursor", page.next);
      }
    }
    return true;
  }

  /** These rows as they are now: nobody tells what those deep in a line wait for meanwhile. */
  async again(ids: readonly string[]): Promise<void> {
    const query = ids.slice(0, FIRST_PAGE).join(",");
    this.board.takePage(await get<JobPage>(`/api/jobs?ids=${query}`));
  }

  /** As they are now, at least as new as the commit that the viewer has just made. */
  async queuesAndEndpoints(sequence = 0): Promise<void> {
    const newest = sequence ? `?at_least=${sequence}` : "";
    this.board.takeQueues(await get<Queue[]>(`/api/queues${newest}`));
    this.board.takeEndpoints(await get<Endpoint[]>(`/api/endpoints${newest}`));
  }

  /** Count along with what is seen; what is not loaded is asked for, but not with every job. */
  moved(to: Tab, isNew: boolean): void {
    this.add(to, 1);
    if (!isNew) this.add(to === "active" ? "finished" : "active", -1);
    this.recountSoon();
  }

  archived(): void {
    this.add("finished", -1);
    this.recountSoon();
  }

  private recountSoon(): void {
    if (this.recounting) return;
    this.recounting = true;
    setTimeout(() => void this.recount(), RECOUNT_MS * (0.5 + Math.random()));
  }

  private add(tab: Tab, jobs: number): void {
    const loaded = this.of(tab).get();
    if (loaded.total !== null) this.of(tab).set({ ...loaded, total: loaded.total + jobs });
  }

  private async recount(): Promise<void> {
    this.recounting = false;
    await Promise.allSettled([this.count("active"), this.count("finished")]);
  }

  async count(tab: Tab): Promise<void> {
    const page = await get<JobPage>(`/api/jobs?state=${tab}&limit=1`);
    this.of(tab).set({ ...this.of(tab).get(), total: page.total });
  }

  /** An open page sees jobs finish for weeks; those of a list nobody looks at can be read again. */
  forgetFinished(isOpen: (id: string) => boolean): void {
    const jobs = [...this.board.jobs.values()].map((cell) => cell.get());
    const finished = jobs.filter((job: Job) => tabOf(job) === "finished");
    if (finished.length <= FINISHED_KEPT_MAX) return;
    const free = finished.filter((job) => !isOpen(job.id) && !this.board.lingering.has(job.id));
    this.finished.set({ ...this.finished.get(), phase: "unloaded", next: null });
    this.board.forget(free.map((job) => job.id));
  }

  private async loadAhead(): Promise<void> {
    while (this.active.get().next !== null && this.board.jobs.size < AHEAD_MAX) {
      if (!(await this.load("active", NEXT_PAGE))) return;
    }
  }

  private async load(tab: Tab, limit: number): Promise<boolean> {
    const cell = this.of(tab);
    const query = new URLSearchParams({ state: tab, limit: String(limit) });
    const cursor = cell.get().next;
    if (cursor !== null) query.set("cursor", cursor);
    try {
      const page = await get<JobPage>(`/api/jobs?${query}`);
      this.board.takePage(page);
      cell.set({ ...cell.get(), error: null, next: page.next, total: page.total });
      return true;
    } catch (error) {
      cell.set({ ...cell.get(), error: words(error) });
      return false;
    }
  }
}

/** What a list is narrowed to. */
export type Sought = Filters & { tab: Tab; search: string };

/** The questions that find it: one a status; none where everything is wanted. */
function asked({ tab, search, statuses, user, queue, kind }: Sought): URLSearchParams[] {
  const text = search.trim() || user;
  if (!text && !queue && !kind && statuses.size === 0) return [];
  const of = [...statuses].filter((status) => tabOf({ status }) === tab);
  return (of.length > 0 ? of : [""]).map((status) => {
    const query = new URLSearchParams(status ? { status } : { state: tab });
    if (text) query.set("search", text);
    if (queue) query.set("queue", queue);
    return query;
  });
}

export function words(error: unknown): string {
  return error instanceof ApiError ? error.message : "Something went wrong in this page.";
}

function wait(wait_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, wait_ms));
}
