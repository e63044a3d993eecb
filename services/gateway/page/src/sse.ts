// The text of an event stream, cut into messages. Pure: bytes and connections are stream.ts's.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

export interface Message {
  event: string;
  data: string;
  id: string;
}

export class Parser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id = "";

  /** Messages that this piece of text completes. What it leaves open waits for the next piece. */
  push(text: string): Message[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): Message[] {
    if (line === "") return this.dispatch();
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return [];
  }

  private dispatch(): Message[] {
    const { event, data, id } = this;
    this.event = "";
    this.data = [];
    if (data.length === 0) return [];
    return [{ event: event || "message", data: data.join("\n"), id }];
  }
}
