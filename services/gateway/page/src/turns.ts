// Commands about one thing go out one after the other, so that none overtakes the one before it.

export class Turns {
  /** The last one of each that is under way. */
  private readonly last = new Map<string, Promise<void>>();

  async take(of: string, doing: () => Promise<void>): Promise<void> {
    const before = this.last.get(of) ?? Promise.resolve();
    const now = before.then(doing);
    this.last.set(of, now);
    try {
      await now;
    } finally {
      if (this.last.get(of) === now) this.last.delete(of);
    }
  }
}
