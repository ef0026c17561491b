/** Server-sent events as bytes: the harness compares what a client was sent, not what it understood. */

export interface Frame {
  readonly event: string;
  readonly data: string;
}

/** Heartbeats are no events. */
const COMMENT = /^:[^\n]*\n\n/;

/**
 * Collects the text of a stream as it arrives, without its comments. What stands behind the last whole event is kept too: also half an
 * event was shown.
 */
export class FrameText {
  #text = '';
  #pending = '';

  push(part: string): void {
    this.#pending += part;
    for (let end = this.#pending.indexOf('\n\n'); end >= 0; end = this.#pending.indexOf('\n\n')) {
      const block = this.#pending.slice(0, end + 2);
      this.#pending = this.#pending.slice(end + 2);
      if (!COMMENT.test(block)) this.#text += block;
    }
  }

  /** Whole events. */
  get whole(): string {
    return this.#text;
  }

  /** With the piece of an event that came last. */
  get all(): string {
    return this.#pending.startsWith(':') ? this.#text : this.#text + this.#pending;
  }
}

export function framesOf(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const block of text.split('\n\n')) {
    let event = 'message';
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('event: ')) event = line.slice(7);
      if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (data !== '') frames.push({ event, data });
  }
  return frames;
}
