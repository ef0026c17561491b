/** Reads server-sent events as a plain client would, from text that comes in pieces. */
export class SentEvents {
  #rest = '';
  /** The events that are complete with this piece. Comments (heartbeats) are none. */
  push(piece) {
    const blocks = (this.#rest + piece).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.map(eventOf).filter(event => event !== null);
  }
  /** What came after the last complete event: empty at a proper end. */
  get rest() {
    return this.#rest;
  }
}
export function sentEvents(text) {
  const reader = new SentEvents();
  const events = reader.push(text);
  if (reader.rest !== '') throw new Error(`the stream ends inside an event: ${reader.rest.slice(0, 200)}`);
  return events;
}
function eventOf(block) {
  let name = null;
  const data = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice('event: '.length);
    else if (line.startsWith('data: ')) data.push(line.slice('data: '.length));
    else if (!line.startsWith(':')) throw new Error(`no line of an event stream: ${line.slice(0, 200)}`);
  }
  return data.length === 0 ? null : { name, data: data.join('\n') };
}
//# sourceMappingURL=sse.js.map
