/** Server-sent events, read strictly: what a lenient parser forgives is told as a fault. */
import { isJson, type Json, parsed } from './json.ts';

export interface SeenEvent {
  readonly name: string | null;
  readonly id: string | null;
  /** As sent, to be compared byte for byte. */
  readonly text: string;
  /** Null for data that is no JSON object, such as `[DONE]`. */
  readonly json: Json | null;
}

export class EventReader {
  readonly faults: string[] = [];
  comments = 0;
  #rest = '';

  /** The events that are complete with this piece. */
  push(piece: string): readonly SeenEvent[] {
    const blocks = (this.#rest + piece.replaceAll('\r\n', '\n')).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.map(block => this.#event(block)).filter(event => event !== null);
  }

  end(): void {
    if (this.#rest.trim() !== '') this.faults.push(`the stream ends inside an event: ${this.#rest.slice(0, 100)}`);
  }

  #event(block: string): SeenEvent | null {
    let name: string | null = null;
    let id: string | null = null;
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (line.startsWith(':')) this.comments += 1;
      else if (field === 'event') name = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
      else if (field !== 'retry' && line !== '') this.faults.push(`no line of an event stream: ${line.slice(0, 100)}`);
    }
    if (data.length === 0) {
      if (name !== null) this.faults.push(`the event ${name} has no data`);
      return null;
    }
    const text = data.join('\n');
    const json = parsed(text);
    if (!isJson(json) && text !== '[DONE]') this.faults.push(`data that is no JSON object: ${text.slice(0, 100)}`);
    return { name, id, text, json: isJson(json) ? json : null };
  }
}
