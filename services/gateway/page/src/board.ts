// Every row the page knows, newest wins. Folds what the API and the stream say; asks for nothing.
//
// Rows carry the log's sequence number: an older row never overwrites a newer one, so lists, single
// reads and the stream may arrive in any order. Changes are gathered and shown once a frame.

import { Cell } from "./cell.ts";
import type { Endpoint, Job, JobPage, Progress, Queue } from "./resources.ts";
import type { Message } from "./sse.ts";

const LINGER_MS = 6_000;

export type Tab = "active" | "finished";

export function tabOf(job: Pick<Job, "status">): Tab {
  return job.status === "done" || job.status === "aborted" ? "finished" : "active";
}

/** What the board tells its owner. */
export interface Told {
  /** A job is on another tab now, or is new. */
  moved(to: Tab, isNew: boolean): void;
  /** A finished job was archived: it is in no list any more. */
  archived(): void;
  /** What is known here is void: too much changed since, or it is another server's log. */
  voided(): void;
}

export class Board {
  /** Rises when rows came, went or changed their place in a list; not with progress. */
  readonly shape = new Cell(0);
  /** Those that there are; a deleted one is remembered, so that no older row brings it back. */
  readonly queues = new Cell<readonly Queue[]>([]);
  readonly endpoints = new Cell<readonly Endpoint[]>([]);
  readonly jobs = new Map<string, Cell<Job>>();
  /** Jobs that just changed tabs, and until when (ms) they stay in the one they left. */
  readonly lingering = new Map<string, number>();
  /** Up to where everything is known; before the stream goes on, that of the oldest page. */
  position = 0;

  private everyQueue: readonly Queue[] = [];
  private isFollowing = false;
  private isVoid = false;
  private waiting = new Batch();
  private scheduled = false;
  private readonly soon: (flush: () => void) => void;
  private readonly told: Told;

  /** `soon` runs a function when the next frame is due. */
  constructor(soon: (flush: () => void) => void, told: Told) {
    this.soon = soon;
    this.told = told;
  }

  /** Messages of the stream; they show at the next frame. */
  take(messages: Message[]): void {
    for (const message of messages) this.waiting.add(message);
    if (messages.length === 0 || this.scheduled) return;
    this.scheduled = true;
    this.soon(() => this.flush());
  }

  takePage(page: JobPage): void {
    const changes = page.jobs.map((job) => this.put(job));
    if (changes.some(Boolean)) this.reshape();
    if (!this.isFollowing) this.position = Math.min(this.position || Infinity, page.sequence);
  }

  takeJob(job: Job): void {
    if (this.put(job)) this.reshape();
  }

  takeQueues(queues: readonly Queue[]): void {
    const codes = new Map(this.everyQueue.map((queue) => [queue.id, queue.code]));
    this.everyQueue = merged(this.everyQueue, queues);
    this.queues.set(this.everyQueue.filter((queue) => queue.status !== "deleted"));
    this.rename(new Map(this.everyQueue.map((queue) => [codes.get(queue.id), queue.code])));
  }

  takeEndpoints(endpoints: readonly Endpoint[]): void {
    this.endpoints.set(merged(this.endpoints.get(), endpoints));
  }

  /** Jobs name their queue by its code, and nothing happens to them when that changes. */
  private rename(codes: Map<string | undefined, string>): void {
    if ([...codes].every(([before, now]) => before === undefined || before === now)) return;
    for (const cell of this.jobs.values()) {
      const job = cell.get();
      cell.set({ ...job, queue: codes.get(job.queue) ?? job.queue });
    }
    this.reshape();
  }

  forget(ids: Iterable<string>): void {
    for (const id of ids) this.jobs.delete(id);
    this.reshape();
  }

  reshape(): void {
    this.shape.set(this.shape.get() + 1);
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = new Batch();
    this.scheduled = false;
    if (this.isOver(batch)) return;
    const changes = [...batch.jobs.values()].map((job) => this.putLive(job));
    for (const tick of batch.progress.values()) this.tick(tick);
    if (batch.queues.length) this.takeQueues(batch.queues);
    if (batch.endpoints.length) this.takeEndpoints(batch.endpoints);
    this.position = Math.max(this.position, batch.position);
    this.isFollowing ||= batch.position > 0;
    if (changes.some(Boolean)) this.reshape();
  }

  /** After a reset nothing is read before the stream says from where it goes on. */
  private isOver(batch: Batch): boolean {
    const isOtherLog = batch.position > 0 && batch.position < this.position;
    if (!this.isVoid && !batch.isReset && !isOtherLog) return false;
    this.isVoid = batch.position === 0;
    if (!this.isVoid) this.void();
    return true;
  }

  private void(): void {
    this.position = 0;
    this.isFollowing = false;
    this.jobs.clear();
    this.lingering.clear();
    this.everyQueue = [];
    this.queues.set([]);
    this.endpoints.set([]);
    this.reshape();
    this.told.voided();
  }

  private putLive(job: Job): boolean {
    if (job.archived) return this.drop(job.id);
    if (!this.jobs.has(job.id)) this.told.moved(tabOf(job), true);
    return this.put(job);
  }

  private drop(id: string): boolean {
    if (!this.jobs.delete(id)) return false;
    this.told.archived();
    return true;
  }

  /** True if the row's place in the lists may have changed. */
  private put(job: Job): boolean {
    const cell = this.jobs.get(job.id);
    if (cell === undefined) {
      this.jobs.set(job.id, new Cell(job));
      return true;
    }
    const before = cell.get();
    if (before.sequence > job.sequence) return false;
    cell.set(job);
    if (tabOf(before) !== tabOf(job)) this.linger(job);
    return before.status !== job.status || before.place !== job.place || before.queue !== job.queue;
  }

  /** Nobody likes a row that vanishes while it is being read. */
  private linger(job: Job): void {
    this.lingering.set(job.id, Date.now() + LINGER_MS);
    setTimeout(() => this.reshape(), LINGER_MS + 50);
    this.told.moved(tabOf(job), false);
  }

  /** Ticks have no sequence: one that comes after the end of its run changes nothing. */
  private tick({ id, ...moving }: Progress): void {
    const cell = this.jobs.get(id);
    if (cell?.get().status === "running") cell.set({ ...cell.get(), ...moving });
  }
}

/** What arrived since the last frame; of each row only the newest. */
class Batch {
  readonly jobs = new Map<string, Job>();
  readonly progress = new Map<string, Progress>();
  readonly queues: Queue[] = [];
  readonly endpoints: Endpoint[] = [];
  position = 0;
  isReset = false;

  add({ event, data }: Message): void {
    if (event === "job") this.addJob(JSON.parse(data) as Job);
    else if (event === "progress") this.addProgress(JSON.parse(data) as Progress);
    else if (event === "queue") this.queues.push(JSON.parse(data) as Queue);
    else if (event === "endpoint") this.endpoints.push(JSON.parse(data) as Endpoint);
    else if (event === "reset") this.isReset = true;
    else if (event === "position") this.position = (JSON.parse(data) as Position).sequence;
  }

  private addJob(job: Job): void {
    if ((this.jobs.get(job.id)?.sequence ?? 0) > job.sequence) return;
    this.jobs.set(job.id, job);
    this.progress.delete(job.id);
  }

  private addProgress(tick: Progress): void {
    this.progress.set(tick.id, tick);
  }
}

interface Position {
  sequence: number;
}

function merged<T extends { id: string; sequence: number }>(
  known: readonly T[],
  newer: readonly T[],
): T[] {
  const rows = new Map(known.map((row) => [row.id, row]));
  for (const row of newer) {
    if ((rows.get(row.id)?.sequence ?? 0) <= row.sequence) rows.set(row.id, row);
  }
  return [...rows.values()];
}
