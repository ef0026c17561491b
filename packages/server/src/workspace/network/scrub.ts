/**
 * Takes values out of what hosts answer. It finds them as they are and in the encodings that hosts echo them in; what a host does to them
 * otherwise (turns them around, gives them out letter by letter) comes through.
 */
import { Transform } from 'node:stream';

/** Shorter ones would tear up whatever is read. */
export const LEAST_SCRUBBED = 6;

interface Form {
  readonly bytes: Buffer;
  readonly put: Buffer;
}

/** Values that were put into requests of one command, and the placeholders that they become again. It only grows: an answer may come late. */
export class Scrubber {
  readonly #placeholders = new Map<string, string>();
  #forms: readonly Form[] = [];

  learn(values: ReadonlyMap<string, string>): void {
    const known = this.#placeholders.size;
    for (const [placeholder, value] of values) {
      if (Buffer.byteLength(value) >= LEAST_SCRUBBED) this.#placeholders.set(value, placeholder);
    }
    if (this.#placeholders.size === known) return;
    this.#forms = [...this.#placeholders]
      .flatMap(([value, placeholder]) => formsOf(value).map(bytes => ({ bytes, put: Buffer.from(placeholder) })))
      // A longer one first: it may hold a shorter one.
      .toSorted((a, b) => b.bytes.length - a.bytes.length);
  }

  get empty(): boolean {
    return this.#forms.length === 0;
  }

  bytes(given: Buffer): Buffer {
    const { done, rest } = replaced(given, this.#forms, true);
    return rest.length === 0 ? done : Buffer.concat([done, rest]);
  }

  /** Of a header: each character is a byte. */
  header(text: string): string {
    return this.#forms.length === 0 ? text : this.bytes(Buffer.from(text, 'latin1')).toString('latin1');
  }

  /** Holds back no more than what a value may begin with: a stream of events goes on as it comes. */
  stream(): Transform {
    let rest: Buffer = Buffer.alloc(0);
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        const found = replaced(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), this.#forms, false);
        rest = Buffer.from(found.rest);
        done(null, found.done);
      },
      flush: done => done(null, rest),
    });
  }
}

function replaced(
  given: Buffer,
  forms: readonly Form[],
  last: boolean,
): { readonly done: Buffer; readonly rest: Buffer } {
  const parts: Buffer[] = [];
  let from = 0;
  // Where each is found next: searched again only once it lies behind.
  const next = forms.map(({ bytes }) => given.indexOf(bytes));
  for (;;) {
    let at = -1;
    let which: Form | undefined;
    for (const [i, form] of forms.entries()) {
      let place = next[i] ?? -1;
      if (place >= 0 && place < from) {
        place = given.indexOf(form.bytes, from);
        next[i] = place;
      }
      if (place >= 0 && (at < 0 || place < at)) [at, which] = [place, form];
    }
    if (which === undefined) break;
    parts.push(given.subarray(from, at), which.put);
    from = at + which.bytes.length;
  }
  const end = last ? given.length : Math.max(from, given.length - beginning(given.subarray(from), forms));
  parts.push(given.subarray(from, end));
  return { done: Buffer.concat(parts), rest: given.subarray(end) };
}

/** How many bytes at the end may be the beginning of a form. */
function beginning(given: Buffer, forms: readonly Form[]): number {
  let most = 0;
  for (const { bytes } of forms) {
    for (let length = Math.min(bytes.length - 1, given.length); length > most; length--) {
      if (given.subarray(given.length - length).equals(bytes.subarray(0, length))) most = length;
    }
  }
  return most;
}

/** UTF-8, in JSON, in a URL and a form, in hexadecimal, and in base64 at each of its three places, of either alphabet. */
function formsOf(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value, 'utf8');
  const base64 = [0, 1, 2].map(before => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The first and the last characters hold bits of what stands beside it.
    return whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const texts = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    new URLSearchParams([['', value]]).toString().slice(1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64,
    ...base64.map(text => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(texts)].filter(text => text.length >= LEAST_SCRUBBED).map(text => Buffer.from(text, 'utf8'));
}
