/**
 * What Cedar answered, kept for the next start: a server that loads the contracts of its last one asks Cedar nothing. An answer depends on nothing but
 * the question and Cedar's version, and lies under both. The file is beside the compiled code of the server, and as much to be trusted as that.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Cedar } from '../../contract/cedar.ts';

export interface ShelfBounds {
  /** Answers that a file may hold. */
  readonly answers: number;
  /** Characters that it may have. */
  readonly chars: number;
}

/** Some hundred contracts. What is asked is kept before what was kept. */
export const SHELF_BOUNDS: ShelfBounds = { answers: 20_000, chars: 16 * 1024 * 1024 };

const require = createRequire(import.meta.url);
const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** In the folder of compiled code (`NODE_COMPILE_CACHE`); null where none is kept. */
export function shelfFile(env: NodeJS.ProcessEnv = process.env): string | null {
  const folder = env['NODE_COMPILE_CACHE'];
  if (!folder || env['NODE_DISABLE_COMPILE_CACHE'] === '1') return null;
  const manifest = join(dirname(require.resolve('@cedar-policy/cedar-wasm/nodejs')), 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return join(folder, `cedar-${version}.json`);
}

export class CedarShelf {
  readonly #file: string | null;
  readonly #bounds: ShelfBounds;
  /** Question's digest -> the answer as JSON. */
  readonly #kept: ReadonlyMap<string, string>;
  readonly #asked = new Map<string, string>();
  #isNew = false;

  constructor(file: string | null, bounds: ShelfBounds = SHELF_BOUNDS) {
    this.#file = file;
    this.#bounds = bounds;
    this.#kept = file === null ? new Map() : read(file, bounds);
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  answer<K extends keyof Cedar>(
    op: K,
    args: Parameters<Cedar[K]>,
    ask: () => ReturnType<Cedar[K]>,
  ): ReturnType<Cedar[K]> {
    if (this.#file === null) return ask();
    const key = digestOf(JSON.stringify([op, ...args]));
    const known = this.#asked.get(key) ?? this.#kept.get(key);
    if (known !== undefined) {
      this.#asked.set(key, known);
      return JSON.parse(known) as ReturnType<Cedar[K]>;
    }
    const answer = ask();
    this.#isNew = true;
    this.#asked.set(key, JSON.stringify(answer));
    return answer;
  }

  /** Keeps what was asked since the file was read, if any of it is new. Where nothing can be written, nothing is kept. */
  save(): void {
    if (this.#file === null || !this.#isNew) return;
    this.#isNew = false;
    const beside = `${this.#file}.${process.pid}.tmp`;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(beside, this.#text(), { mode: 0o600 });
      renameSync(beside, this.#file);
    } catch {
      rmSync(beside, { force: true });
    }
  }

  #text(): string {
    const all = [...new Map([...this.#asked, ...this.#kept])].slice(0, this.#bounds.answers);
    const lines: string[] = [];
    let chars = DIGEST_CHARS;
    for (const [key, answer] of all) {
      const line = `${key} ${answer}`;
      chars += line.length + 1;
      if (chars > this.#bounds.chars) break;
      lines.push(line);
    }
    const text = lines.join('\n');
    return `${digestOf(text)}\n${text}`;
  }
}

const DIGEST_CHARS = 43;

/** Nothing, if it is not there, was written by no shelf, or is not whole. */
function read(file: string, bounds: ShelfBounds): ReadonlyMap<string, string> {
  try {
    if (statSync(file).size > bounds.chars * MOST_BYTES_A_CHAR) return new Map();
    const all = readFileSync(file, 'utf8');
    const text = all.slice(DIGEST_CHARS + 1);
    if (all.slice(0, DIGEST_CHARS) !== digestOf(text)) return new Map();
    return new Map(text.split('\n').map(line => [line.slice(0, DIGEST_CHARS), line.slice(DIGEST_CHARS + 1)]));
  } catch {
    return new Map();
  }
}

const MOST_BYTES_A_CHAR = 3;
