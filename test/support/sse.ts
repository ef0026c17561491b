/** Reads server-sent events as a plain client would, from text that comes in pieces. */

export interface SentEvent {
  /** Null for an event without a name. */
  readonly name: string | null;
  readonly data: string;
}

export class SentEvents {
  #rest = '';

  /** The events that are complete with this piece. Comments (heartbeats) are none. */
  push(piece: string): readonly SentEvent[] {
    const blocks = (this.#rest + piece).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.map(eventOf).filter(event => event !== null);
  }
}

function eventOf(block: string): SentEvent | null {
  let name: string | null = null;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice('event: '.length);
    else if (line.startsWith('data: ')) data.push(line.slice('data: '.length));
    else if (!line.startsWith(':') && !line.startsWith('id: '))
      throw new Error(`no line of an event stream: ${line.slice(0, 200)}`);
  }
  return data.length === 0 ? null : { name, data: data.join('\n') };
}
