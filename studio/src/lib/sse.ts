// The event stream: a parser of text/event-stream, and a connection that comes back with the last id it saw.

/** One event as it came. */
export interface StreamEvent {
  /** The stream's place after this event. */
  id: string;
  name: string;
  data: string;
}

/** Takes pieces of a text/event-stream and gives whole events (WHATWG HTML, section 9.2.6). */
export class EventParser {
  /** The id of the last whole event, with or without data. */
  lastId: string;
  /** The id of the event being read: it counts once the event is whole, so that one cut off is asked for again. */
  #id: string;
  #rest = '';
  #name = '';
  #data: string[] = [];
  #skipNewline = false;

  constructor(lastId = '') {
    this.lastId = lastId;
    this.#id = lastId;
  }

  push(piece: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    let text = this.#rest + piece;
    if (this.#skipNewline && text.startsWith('\n')) text = text.slice(1);
    if (text) this.#skipNewline = false;
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text[i];
      if (char !== '\n' && char !== '\r') continue;
      this.#line(text.slice(start, i), events);
      if (char === '\r') {
        if (i + 1 === text.length) this.#skipNewline = true;
        else if (text[i + 1] === '\n') i += 1;
      }
      start = i + 1;
    }
    this.#rest = text.slice(start);
    return events;
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === '') {
      this.lastId = this.#id;
      if (this.#data.length) events.push({ id: this.#id, name: this.#name || 'message', data: this.#data.join('\n') });
      this.#name = '';
      this.#data = [];
      return;
    }
    if (line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }
}

/** Seconds to wait before try number `tries` (from 1): 1, 2, 4, 8, then 15. */
export function backoff(tries: number): number {
  return Math.min(15, 2 ** Math.max(0, tries - 1));
}

export interface StreamHandlers {
  event(event: StreamEvent): void;
  /** The server answers. */
  open(): void;
  /** The connection is gone; it is tried again at `retryAt` (ms since 1970). `status` is 0 when nothing answered. */
  lost(retryAt: number, status: number): void;
}

/** A stream that is kept open until `close`. */
export class EventStream {
  lastId: string;
  #closed = false;
  #tries = 0;
  #abort = new AbortController();
  #wake: (() => void) | null = null;

  constructor(
    private readonly url: string,
    private readonly handlers: StreamHandlers,
    lastId = '',
    private readonly fetcher: typeof fetch = (...args) => fetch(...args),
  ) {
    this.lastId = lastId;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#abort.abort();
    this.#wake?.();
  }

  /** Tries again now instead of later. */
  retryNow(): void {
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const status = await this.#once().catch(() => 0);
      if (this.#closed) return;
      this.#tries += 1;
      const delay = backoff(this.#tries) * 1000;
      this.handlers.lost(Date.now() + delay, status);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delay);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
  }

  /** One connection, until it ends. Returns the status that it began with. */
  async #once(): Promise<number> {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.lastId) headers['last-event-id'] = this.lastId;
    const reply = await this.fetcher(this.url, { headers, signal: this.#abort.signal, cache: 'no-store' });
    if (!reply.ok || !reply.body) return reply.status;
    this.#tries = 0;
    this.handlers.open();
    const parser = new EventParser(this.lastId);
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#closed) return reply.status;
      for (const event of parser.push(value)) {
        if (this.#closed) return reply.status;
        this.lastId = event.id;
        this.handlers.event(event);
      }
      this.lastId = parser.lastId;
    }
  }
}
