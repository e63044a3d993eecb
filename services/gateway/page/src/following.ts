// Reads the process log of a try from near its end on, for as long as the try writes.

import { ApiError, get } from "./api.ts";
import { Cell } from "./cell.ts";
import { words } from "./lists.ts";
import type { OutputLine, TaskOutput } from "./resources.ts";

const TAIL = 2_000;
const PAGE = 2_000;
/** Of a long log only so many lines stay in the page, the newest. */
export const KEPT_MAX = 20_000;
const WAIT_S = 10;
const AGAIN_MS = 2_000;

/** `isOver`: nothing more will come; `error` is in words, and it is tried again. */
export interface Followed {
  lines: readonly OutputLine[];
  isOver: boolean;
  isNone: boolean;
  error: string | null;
}

export class Following {
  readonly told = new Cell<Followed>({ lines: [], isOver: false, isNone: false, error: null });
  private readonly path: string;
  private readonly leaving = new AbortController();
  private after = -1;

  /** `attempt` is null for the task's last try. */
  constructor(job: string, task: number, attempt: number | null) {
    const of = attempt === null ? "" : `&attempt=${attempt}`;
    this.path = `/api/jobs/${job}/tasks/${task}/log?limit=${PAGE}${of}`;
  }

  stop(): void {
    this.leaving.abort();
  }

  async follow(): Promise<void> {
    let query = `&tail=${TAIL}`;
    while (!this.leaving.signal.aborted && !this.told.get().isOver) {
      if (!(await this.read(query))) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      else query = `&after=${this.after}&wait=${WAIT_S}`;
    }
  }

  /** Everything that is kept, from its beginning, as text. */
  async whole(): Promise<string> {
    const texts: string[] = [];
    let after = -1;
    for (;;) {
      const page = await get<TaskOutput>(`${this.path}&after=${after}`, this.leaving.signal);
      texts.push(...page.lines.map(asText));
      after = page.after;
      if (!page.more) return texts.join("");
    }
  }

  private async read(query: string): Promise<boolean> {
    try {
      const page = await get<TaskOutput>(this.path + query, this.leaving.signal);
      this.after = page.after;
      const lines = [...this.told.get().lines, ...page.lines].slice(-KEPT_MAX);
      this.told.set({ lines, isOver: page.over, isNone: page.attempt === null, error: null });
      return true;
    } catch (error) {
      if (this.leaving.signal.aborted) return false;
      const isFinal = error instanceof ApiError && error.status === 404;
      this.told.set({ ...this.told.get(), error: words(error), isOver: isFinal });
      return false;
    }
  }
}

function asText({ text, dropped }: OutputLine): string {
  const gap = dropped > 0 ? `[${dropped} earlier lines were dropped]\n` : "";
  return `${gap}${text}\n`;
}
