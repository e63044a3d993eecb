// One connection to /api/events for as long as the page is open.
//
// It reads with fetch and not with EventSource, because a page that must never show stale as live
// has to see the server's heartbeat (a comment, which EventSource hides) and a 401 (likewise).

import { refused } from "./api.ts";
import { type Message, Parser } from "./sse.ts";

export type Connection = "connecting" | "live" | "reconnecting" | "stale";

export interface Follower {
  /** The log's sequence number up to which the page has everything. */
  position(): number;
  take(messages: Message[]): void;
  tell(connection: Connection): void;
}

const HEARTBEAT_MS = 10_000;
const SILENCE_MAX_MS = 1.5 * HEARTBEAT_MS;
const STALE_AFTER_MS = 6_000;
const WAIT_MIN_MS = 250;
const WAIT_MAX_MS = 5_000;

export class Stream {
  private readonly follower: Follower;
  private wait_ms = WAIT_MIN_MS;
  private staleTimer: number | undefined;
  private stale = false;

  constructor(follower: Follower) {
    this.follower = follower;
  }

  async follow(): Promise<never> {
    this.lost("connecting");
    for (;;) {
      await this.read();
      this.lost("reconnecting");
      await wakeOrWait(this.wait_ms * (0.75 + Math.random() / 2));
      this.wait_ms = Math.min(this.wait_ms * 2, WAIT_MAX_MS);
    }
  }

  /** Read until the connection ends, fails or falls silent. */
  private async read(): Promise<void> {
    const ending = new AbortController();
    let silence: number | undefined;
    const heard = (): void => {
      window.clearTimeout(silence);
      silence = window.setTimeout(() => ending.abort(), SILENCE_MAX_MS);
    };
    heard();
    try {
      const response = await fetch("/api/events?only=rows", this.request(ending.signal));
      if (!response.ok || response.body === null) throw await refused(response);
      await this.drain(response.body, heard);
    } catch {
      // Whatever ended it, the answer is the same: say so and connect again.
    } finally {
      window.clearTimeout(silence);
      ending.abort();
    }
  }

  private request(signal: AbortSignal): RequestInit {
    const headers = {
      Accept: "text/event-stream",
      "Last-Event-ID": String(this.follower.position()),
    };
    return { headers, signal, cache: "no-store" };
  }

  private async drain(body: ReadableStream<Uint8Array>, heard: () => void): Promise<void> {
    const parser = new Parser();
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      const messages = parser.push(decoder.decode(piece.value, { stream: true }));
      this.follower.take(messages);
      if (messages.some(isPosition)) this.live();
    }
  }

  private live(): void {
    window.clearTimeout(this.staleTimer);
    this.staleTimer = undefined;
    this.stale = false;
    this.wait_ms = WAIT_MIN_MS;
    this.follower.tell("live");
  }

  private lost(connection: Connection): void {
    if (this.stale) return;
    this.follower.tell(connection);
    this.staleTimer ??= window.setTimeout(() => {
      this.stale = true;
      this.follower.tell("stale");
    }, STALE_AFTER_MS);
  }
}

/** Up to here everything has been told: from now on the page is live. */
function isPosition(message: Message): boolean {
  return message.event === "position";
}

/** Wait, but no longer than until the network or the viewer comes back. */
function wakeOrWait(wait_ms: number): Promise<void> {
  return new Promise((resolve) => {
    const waking = new AbortController();
    const wake = (): void => {
      waking.abort();
      resolve();
    };
    window.setTimeout(wake, wait_ms);
    window.addEventListener("online", wake, waking);
    document.addEventListener("visibilitychange", () => document.hidden || wake(), waking);
  });
}
