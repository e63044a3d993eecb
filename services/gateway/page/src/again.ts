// Read something now and after every change: one reading at a time, with a rest between two.

import { useEffect, useRef } from "preact/hooks";

export function useAgain(
  read: (signal: AbortSignal) => Promise<void>,
  rest_ms: number,
  changes: readonly unknown[],
): void {
  const newest = useRef(read);
  newest.current = read;
  const reading = useRef<Reading>(undefined);
  reading.current ??= new Reading((signal) => newest.current(signal), rest_ms);
  useEffect(() => () => reading.current?.stop(), []);
  useEffect(() => void reading.current?.want(), [...changes]);
}

class Reading {
  private readonly read: (signal: AbortSignal) => Promise<void>;
  private readonly rest_ms: number;
  private readonly leaving = new AbortController();
  private isWanted = false;
  private isBusy = false;

  constructor(read: (signal: AbortSignal) => Promise<void>, rest_ms: number) {
    this.read = read;
    this.rest_ms = rest_ms;
  }

  stop(): void {
    this.leaving.abort();
  }

  async want(): Promise<void> {
    this.isWanted = true;
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.isWanted && !this.leaving.signal.aborted) {
      this.isWanted = false;
      await this.read(this.leaving.signal);
      await new Promise((resolve) => setTimeout(resolve, this.rest_ms));
    }
    this.isBusy = false;
  }
}
