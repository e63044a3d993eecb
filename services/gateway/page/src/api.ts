// Questions and commands to the gateway. A refusal is an ApiError with words for a person in it.

import type { Done, Job, Problem } from "./resources.ts";

const TIMEOUT_MS = 15_000;
const TRIES_MAX = 4;
const RELOAD_EVERY_MS = 10_000;
const ON_ITS_WAY_MS = 1_500;

export class ApiError extends Error {
  /** 0 when no answer came at all. */
  readonly status: number;
  /** The input at fault, where there is one. */
  readonly field: string | null;

  constructor(status: number, message: string, field: string | null = null) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await answer(path, {}, signal)) as T;
}

/** The job that a link names; of one that was just submitted the row may still be on its way. */
export async function linked(id: string): Promise<Job> {
  const path = `/api/jobs/${encodeURIComponent(id)}`;
  try {
    return await get<Job>(path);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    await new Promise((resolve) => setTimeout(resolve, ON_ITS_WAY_MS));
    return await get<Job>(path);
  }
}

export type Verb = "pause" | "resume" | "retry" | "abort";

/**
 * Tell the scheduler. Without an answer it is unknown whether the command was stored, so it is
 * said again with the same key, which the scheduler answers as it did the first time.
 */
export function command(job: string, verb: Verb): Promise<Done> {
  return post(`/api/jobs/${job}/${verb}`);
}

export type TaskVerb = "retry" | "hold" | "fail" | "done" | "exclude";

/** `tasks` as `0-99,120`, `all`, or a status. */
export function commandTasks(job: string, verb: TaskVerb, tasks: string): Promise<Done> {
  return tell("POST", `/api/jobs/${job}/tasks/${verb}`, { tasks });
}

/** Where jobs go, which keep their order: to a queue, to an end of it, or beside a job. */
export interface Whereto {
  queue?: string;
  before?: string;
  after?: string;
  to?: "top" | "bottom";
}

export function commandMove(jobs: readonly string[], whereto: Whereto): Promise<Done> {
  return tell("POST", "/api/jobs/move", { jobs, ...whereto });
}

export type QueueVerb = "pause" | "resume";

export function commandQueue(queue: string, verb: QueueVerb): Promise<Done> {
  return post(`/api/queues/${queue}/${verb}`);
}

/** `wanted` as PATCH takes it: what to set, what to unset. */
export function changeSettings(path: string, wanted: object): Promise<Done> {
  return tell("PATCH", path, wanted);
}

function post(path: string): Promise<Done> {
  return tell("POST", path);
}

/** A command; its answer has at least what `Done` has. */
export async function tell<T extends Done = Done>(
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  told?: object,
): Promise<T> {
  const headers = { "Idempotency-Key": key(), ...(told && { "Content-Type": "application/json" }) };
  const request = { method, headers, ...(told && { body: JSON.stringify(told) }) };
  for (let tries = 1; ; tries++) {
    try {
      return (await answer(path, request)) as T;
    } catch (error) {
      if (tries === TRIES_MAX || !isUnknown(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** tries));
    }
  }
}

/** The lines of an answer that comes line by line, as they come. */
export async function eachLine(
  path: string,
  told: object,
  signal: AbortSignal,
  take: (line: string) => void,
): Promise<void> {
  const request = { method: "POST", headers: { "Content-Type": "application/json" } };
  const asked = { ...request, body: JSON.stringify(told), signal };
  let response: Response;
  try {
    response = await fetch(path, asked);
  } catch {
    throw new ApiError(0, "The server did not answer. Is it running, and is the network up?");
  }
  if (!response.ok || response.body === null) throw await refused(response);
  const [decoder, reader] = [new TextDecoder(), response.body.getReader()];
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = (rest + decoder.decode(piece.value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.filter(Boolean).forEach(take);
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 503);
}

/** Unique, also where crypto.randomUUID is not (a page over plain HTTP on another machine). */
function key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function answer(path: string, request: RequestInit, stop?: AbortSignal): Promise<unknown> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const signal = stop ? AbortSignal.any([stop, limit]) : limit;
  let response: Response;
  try {
    response = await fetch(path, { ...request, signal, cache: "no-store" });
    if (response.ok) return await response.json();
  } catch {
    if (stop?.aborted) throw new ApiError(0, "Asked for no longer.");
    throw new ApiError(0, "The server did not answer. Is it running, and is the network up?");
  }
  throw await refused(response);
}

/** The error that a refusing response amounts to. A 401 leads to the sign-in page. */
export async function refused(response: Response): Promise<ApiError> {
  if (response.status === 401) reloadOnce();
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const words = problem.detail || problem.title || `The server answered ${response.status}.`;
  return new ApiError(response.status, words, problem.field ?? null);
}

/** Start afresh; the gateway may show its sign-in page here. Not in circles. */
export function reloadOnce(): void {
  const last = Number(sessionStorage.getItem("reloaded-at") ?? 0);
  if (Date.now() - last < RELOAD_EVERY_MS) return;
  sessionStorage.setItem("reloaded-at", String(Date.now()));
  location.reload();
}
