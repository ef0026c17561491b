/** Encodings of context runs, one a run for as long as the run lives: so that a turn encodes only what is new (L11). */
import type { ContextRun } from '../engine/ports.ts';
import type { LoggedItem } from '../log/events.ts';
import { isFields, listIn } from './json.ts';
import { IMAGE_TOKENS, jsonTokens, textTokens } from './estimate.ts';

/** What an item becomes: the pieces of a JSON list. */
export interface EncodedItems {
  readonly json: readonly string[];
  /** Whether sealed items are among them. */
  readonly sealed: boolean;
}

export interface EncodedRun {
  /** Each element preceded by a comma; empty if nothing of the run is sent. */
  readonly bytes: Buffer;
  readonly tokens: number;
  readonly sealed: boolean;
}

const DATA_URL = /"data:image\/[a-z0-9.+-]{1,40};base64,[A-Za-z0-9+/=]*"/g;

/** Encodes pieces and sizes them. An image's bytes are not text: it counts as one image. */
export function encodePieces({ json, sealed }: EncodedItems, images: number): EncodedRun {
  let text = '';
  for (const piece of json) text += `,${piece}`;
  const bytes = Buffer.from(text, 'utf8');
  const words = images === 0 ? text : text.replaceAll(DATA_URL, '""');
  const wordBytes = images === 0 ? bytes.length : Buffer.byteLength(words, 'utf8');
  return { bytes, sealed, tokens: textTokens(words, wordBytes) + images * IMAGE_TOKENS };
}

/** Where an item may hold parts. */
const PART_LISTS = ['content', 'output'] as const;

/** How many images the items hold. */
export function countImages(items: readonly LoggedItem[]): number {
  let images = 0;
  for (const item of items) {
    for (const list of PART_LISTS) {
      for (const part of listIn(item, list)) if (isFields(part) && part['type'] === 'input_image') images++;
    }
  }
  return images;
}

/** @param encode items of a run -> pieces; must depend on nothing else */
export function runCache(encode: (items: readonly LoggedItem[]) => EncodedItems): (run: ContextRun) => EncodedRun {
  const known = new WeakMap<ContextRun, EncodedRun>();
  return run => {
    const cached = known.get(run);
    if (cached !== undefined) return cached;
    const encoded = encodePieces(encode(run.items), countImages(run.items));
    known.set(run, encoded);
    return encoded;
  };
}

/** Tokens of the runs. What the dialect cannot say is only sized: an estimate never fails, the call would. */
export function tokensOf(context: readonly ContextRun[], encode: () => readonly EncodedRun[]): number {
  try {
    return encode().reduce((tokens, run) => tokens + run.tokens, 0);
  } catch {
    return context.reduce((tokens, { items }) => tokens + jsonTokens(JSON.stringify(items)), 0);
  }
}

/** One body of a head, a list and a tail: copied, never encoded again. */
export function assemble(head: string, runs: readonly EncodedRun[], tail: string): Buffer {
  const parts: Buffer[] = [Buffer.from(head, 'utf8')];
  let first = head.endsWith('[');
  for (const { bytes } of runs) {
    if (bytes.length === 0) continue;
    parts.push(first ? bytes.subarray(1) : bytes);
    first = false;
  }
  parts.push(Buffer.from(tail, 'utf8'));
  return Buffer.concat(parts);
}
