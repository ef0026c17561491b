/** YAML with its positions: every value can be traced to its line, and values of the environment are put in. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, visit } from 'yaml';
import { type Environment, interpolate } from './interpolate.ts';
import { CONFIG_BOUNDS } from './limits.ts';
import type { LocatedProblem, Path, Problem } from './problem.ts';
import { pathText } from './problem.ts';

export interface SourceDocument {
  readonly value: unknown;
  /** Whether the value at a path came from the environment: then no message may show it (L9). */
  readonly interpolated: (path: Path) => boolean;
  /** Whether the value at a path is already known to be wrong: what follows from that is not said too. */
  readonly spoilt: (path: Path) => boolean;
  readonly locate: (problem: Problem) => LocatedProblem & { readonly line: number; readonly column: number };
  readonly problems: readonly LocatedProblem[];
}

/** Aliases that a file may resolve to: YAML can be made to grow without bound. */
const MAX_ALIASES = 100;

/** Errors of form that are told. One bracket too few makes hundreds, and hides the first. */
const ERRORS_TOLD = 3;

export function readDocument(text: string, file: string, env: Environment): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: false });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const told = [...document.errors.slice(0, ERRORS_TOLD), ...document.warnings];
  const problems: LocatedProblem[] = told.map(({ message, pos, name }) => ({
    level: name === 'YAMLWarning' ? 'warning' : 'error',
    path: '',
    message: firstLine(message),
    file,
    ...at(pos[0]),
  }));
  const [next] = document.errors.slice(ERRORS_TOLD);
  if (next !== undefined) {
    const message = `and ${document.errors.length - ERRORS_TOLD} more from here on, which may all come of the first`;
    problems.push({ level: 'error', path: '', message, file, ...at(next.pos[0]) });
  }
  const changed = new Set<unknown>();
  const spoilt = new Set<unknown>();
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const result = interpolate(node.value, env);
      const { length } = result.text;
      const tooLong = `has ${length} characters; a value may have ${CONFIG_BOUNDS.valueChars}`;
      const messages = length > CONFIG_BOUNDS.valueChars ? [...result.problems, tooLong] : result.problems;
      for (const message of messages)
        problems.push({ level: 'error', path: '', message, file, ...at(node.range?.[0] ?? 0) });
      if (messages.length > 0) spoilt.add(node);
      // A value that came out empty is one that was left out: api_key: ${KEY:-}
      node.value = result.changed && result.text === '' ? null : result.text;
      if (result.changed) changed.add(node);
    },
  });
  const nodeAt = (path: Path): unknown => {
    let node: unknown = document.contents;
    for (const part of path) {
      if (isAlias(node)) node = node.resolve(document);
      node = isMap(node) || isSeq(node) ? node.get(part, true) : undefined;
    }
    return isAlias(node) ? node.resolve(document) : node;
  };
  return {
    value: valueOf(document, problems, file),
    interpolated: path => changed.has(nodeAt(path)),
    spoilt: path => spoilt.has(nodeAt(path)),
    problems,
    locate: ({ level, path, message }) => ({
      level,
      path: pathText(path),
      message,
      file,
      ...at(offsetOf(path, nodeAt)),
    }),
  };
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function valueOf(document: ReturnType<typeof parseDocument>, problems: LocatedProblem[], file: string): unknown {
  if (document.errors.length > 0) return null;
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    const message = error instanceof Error ? firstLine(error.message) : 'cannot be read';
    problems.push({ level: 'error', path: '', message, file, line: 1, column: 1 });
    return null;
  }
}

/** Where a path begins in the text: its key if it has one, else the nearest part of it that exists. */
function offsetOf(path: Path, nodeAt: (path: Path) => unknown): number {
  for (let length = path.length; length > 0; length--) {
    const parent = nodeAt(path.slice(0, length - 1));
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(item => keyOf(item) === last);
      const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
      if (start !== undefined) return start;
    }
    const node = isSeq(parent) && typeof last === 'number' ? parent.items[last] : undefined;
    const start = (node as Node | undefined)?.range?.[0];
    if (start !== undefined) return start;
  }
  return (nodeAt([]) as Node | null)?.range?.[0] ?? 0;
}

function keyOf(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : pair.key;
}
