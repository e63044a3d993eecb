// The one object behind the page: what is known, what the viewer looks at, what they just did.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import { command, commandQueue, get, linked, type QueueVerb, type Verb } from "./api.ts";
import { Board, type Tab, tabOf } from "./board.ts";
import { Cell } from "./cell.ts";
import { soon } from "./frame.ts";
import { EXPECTED, verbs } from "./jobs.ts";
import { Lists, words } from "./lists.ts";
import { shown } from "./names.ts";
import type { Done, Job, Me, Queue, Status } from "./resources.ts";
import { read, type Route, type Show, write } from "./route.ts";
import type { Holder } from "./setting.ts";
import { Picking } from "./picking.ts";
import { type Connection, Stream } from "./stream.ts";
import { Turns } from "./turns.ts";
import { isWanted, type Listing, matches } from "./view.ts";
import { type View, viewAt } from "./views.ts";

const FORGET_EVERY_MS = 60_000;
const TOAST_MS = 8_000;
const TOASTS_MAX = 4;

/** A command under way: the status to show meanwhile. */
export interface Pending {
  verb: Verb;
  status: Status;
}

export interface Toast {
  id: number;
  text: string;
}

export class Desk {
  readonly board = new Board(soon, {
    moved: (to, isNew) => this.lists.moved(to, isNew),
    archived: () => this.lists.archived(),
    voided: () => void this.restart(),
  });
  readonly lists = new Lists(this.board);
  readonly connection = new Cell<Connection>("connecting");
  /** When the page last was up to date, in ms. */
  readonly liveAt = new Cell(Date.now());
  readonly view = new Cell<View>(viewAt(location.pathname));
  /** What stands behind the `?` of the address; each page reads its own part of it. */
  readonly query = new Cell(location.search);
  readonly route = new Cell<Route>(read(location.pathname, location.search));
  readonly current = new Cell<string | null>(null);
  readonly asking = new Cell<string | null>(null);
  readonly sheet = new Cell(false);
  /** Whose settings are open. */
  readonly settings = new Cell<Holder | null>(null);
  readonly pending = new Cell<ReadonlyMap<string, Pending>>(new Map());
  readonly toasts = new Cell<readonly Toast[]>([]);
  /** What a screen reader is told about the viewer's own doings. */
  readonly said = new Cell("");
  /** Null until the server says. */
  readonly me = new Cell<Me | null>(null);
  /** Why queues and endpoints are not here yet. */
  readonly unread = new Cell<string | null>(null);
  readonly shows = new Map<string, Show>();
  readonly picking = new Picking();
  /** The list as it stands on the screen. */
  listing: Listing = { items: [], groups: [] };
  /** The address of the list that was looked at last. */
  listed = "/";
  private readonly turns = new Turns();
  private toastCount = 0;

  async start(): Promise<void> {
    window.addEventListener("popstate", () => this.moved());
    void this.whoAmI();
    setInterval(() => this.forget(), FORGET_EVERY_MS);
    await this.restart();
    await new Stream(this.follower()).follow();
  }

  /** Read everything anew. The stream goes on from the oldest of what is read here. */
  private async restart(): Promise<void> {
    void this.names();
    this.lists.close();
    const isFinishedShown = this.route.get().tab === "finished";
    if (!isFinishedShown) void this.lists.count("finished").catch(() => undefined);
    const second = isFinishedShown ? [this.lists.open("finished")] : [];
    await Promise.all([this.lists.open("active"), ...second]);
    void this.opened();
  }

  /** Show what a command of the viewer's own has made, before the stream tells of it. */
  async seen({ jobs, sequence }: Done): Promise<void> {
    for (const id of jobs) {
      const job = await get<Job>(`/api/jobs/${id}?at_least=${sequence}`).catch(() => null);
      if (job !== null) this.board.takeJob(job);
    }
  }

  /** The row as it is now: those deep in a queue are not told when their reason changes. */
  async refresh(id: string): Promise<void> {
    try {
      this.board.takeJob(await get<Job>(`/api/jobs/${encodeURIComponent(id)}`));
    } catch {
      // What is shown stays; the connection's state says how old it is.
    }
  }

  /** Go to another page of ours, as a link to it would. */
  visit(address: string): void {
    history.pushState(null, "", address);
    this.moved();
  }

  /** Keep something of what the page shows behind the `?` of its address. */
  ask(query: URLSearchParams): void {
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text && `?${text}`));
    this.query.set(location.search);
  }

  private moved(): void {
    const before = this.route.get();
    if (this.view.get() === "jobs" && before.job === null) this.listed = write(before);
    this.asking.set(null);
    this.query.set(location.search);
    this.view.set(viewAt(location.pathname));
    this.route.set(read(location.pathname, location.search));
    void this.lists.open(this.route.get().tab);
  }

  go(change: Partial<Route>, how: "push" | "replace" = "replace"): void {
    const route = { ...this.route.get(), ...change };
    this.route.set(route);
    history[`${how}State`](null, "", write(route));
    void this.lists.open(route.tab);
  }

  tab(tab: Tab): void {
    const { tab: before, job } = this.route.get();
    if (before === tab && job === null) return;
    this.current.set(null);
    this.asking.set(null);
    this.picking.clear();
    this.go({ tab, job: null }, "push");
  }

  toggle(id: string): void {
    const open = new Set(this.route.get().open);
    if (!open.delete(id)) open.add(id);
    this.current.set(id);
    this.go({ open });
  }

  /** Do it if the job is one that it can be done to; aborting asks first. */
  press(id: string, wanted: Verb | "resume or retry"): void {
    const job = this.board.jobs.get(id)?.get();
    if (job === undefined) return;
    const can = verbs(this.statusOf(job));
    const verb = wanted === "resume or retry" ? can.find((one) => /^re/.test(one)) : wanted;
    this.current.set(id);
    if (verb === undefined || !can.includes(verb)) return;
    if (verb === "abort") this.asking.set(id);
    else void this.tell(job, verb);
  }

  openSettings(id: string): void {
    const job = this.board.jobs.get(id)?.get();
    if (job) this.settings.set({ level: "job", id, name: job.name });
  }

  /** Say it to the scheduler, after what was said of this job before; show it at once. */
  async tell(job: Job, verb: Verb): Promise<void> {
    this.asking.set(null);
    this.expect(job.id, { verb, status: EXPECTED[verb] });
    this.said.set(`${verb} ${shown(job.name)}`);
    await this.turns.take(job.id, () => this.obeyed(job, verb));
  }

  /** A refusal is taken back with its message. */
  private async obeyed(job: Job, verb: Verb): Promise<void> {
    try {
      const done = await command(job.id, verb);
      await this.settle(job.id, done.sequence);
    } catch (error) {
      this.toast(`Could not ${verb} ${shown(job.name)}: ${words(error)}`);
    } finally {
      if (this.pending.get().get(job.id)?.verb === verb) this.expect(job.id, null);
    }
  }

  async tellQueue({ id, code }: Queue, verb: QueueVerb): Promise<void> {
    const name = `queue ${shown(code)}`;
    this.said.set(`${verb} ${name}`);
    try {
      const done = await commandQueue(id, verb);
      this.board.takeQueues([await get<Queue>(`/api/queues/${id}?at_least=${done.sequence}`)]);
    } catch (error) {
      this.toast(`Could not ${verb} ${name}: ${words(error)}`);
    }
  }

  /** Whether the list that is looked at has it, or would if it were read. */
  isListed(job: Job): boolean {
    const route = this.route.get();
    return tabOf(job) === route.tab && matches(job, route.search) && isWanted(job, route);
  }

  statusOf(job: Job): Status {
    return this.pending.get().get(job.id)?.status ?? job.status;
  }

  toast(text: string): void {
    const toast = { id: ++this.toastCount, text };
    this.toasts.set([...this.toasts.get().slice(1 - TOASTS_MAX), toast]);
    setTimeout(() => this.dismiss(toast.id), TOAST_MS);
  }

  dismiss(id: number): void {
    this.toasts.set(this.toasts.get().filter((toast) => toast.id !== id));
  }

  /** Jobs that a link opens, whether or not they are on the loaded part of a list. */
  private async opened(): Promise<void> {
    for (const id of this.route.get().open) {
      try {
        this.board.takeJob(await linked(id));
      } catch (error) {
        this.toast(words(error));
        this.close(id);
      }
    }
  }

  private close(id: string): void {
    const open = new Set(this.route.get().open);
    open.delete(id);
    this.go({ open });
  }

  private async whoAmI(): Promise<void> {
    this.me.set(await get<Me>("/api/me").catch(() => null));
  }

  /** Names of queues and endpoints; the stream brings their changes. */
  private async names(): Promise<void> {
    for (;;) {
      try {
        await this.lists.queuesAndEndpoints();
        return this.unread.set(null);
      } catch (error) {
        this.unread.set(words(error));
        await new Promise((resolve) => setTimeout(resolve, 2_000));
      }
    }
  }

  private follower() {
    return {
      position: () => this.board.position,
      take: (messages: Parameters<Board["take"]>[0]) => this.board.take(messages),
      tell: (connection: Connection) => {
        if (connection === "live") this.liveAt.set(Date.now());
        this.connection.set(connection);
      },
    };
  }

  /** The stream may be behind or down: read the row as new as the command's own sequence. */
  private async settle(id: string, sequence: number): Promise<void> {
    const known = this.board.jobs.get(id)?.get();
    if (known && known.sequence >= sequence) return;
    this.board.takeJob(await get<Job>(`/api/jobs/${id}?at_least=${sequence}`));
  }

  private expect(id: string, pending: Pending | null): void {
    const all = new Map(this.pending.get());
    if (pending === null) all.delete(id);
    else all.set(id, pending);
    this.pending.set(all);
  }

  private forget(): void {
    const now = Date.now();
    for (const [id, until] of this.board.lingering) {
      if (until < now) this.board.lingering.delete(id);
    }
    const { tab, open } = this.route.get();
    if (tab === "active") this.lists.forgetFinished((id) => open.has(id));
  }
}

const DeskContext = createContext<Desk | null>(null);
export const DeskProvider = DeskContext.Provider;

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error("no desk around this component");
  return desk;
}
