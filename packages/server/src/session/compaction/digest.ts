/** The digest: one message that holds what is kept of the items that were left out, line by line, each with who said it. */
import { textWeight, utf8Bytes } from '../../kernel/text-tokens.ts';
import { type LoggedItem, textOf } from '../../log/events.ts';
import { DIGEST_ID, isCall, isDigest, isOutput, itemWeight, wordsOf } from './items.ts';
import { segmentsOf, worthOf } from './segments.ts';

const HEADER = 'Kept of earlier parts of this conversation, shortened; each line says whose words they are:';
const LINE = /^- (.{1,100}?): (.*)$/;
/** What weighs on a line beside its words. It keeps very short segments from winning by being short. */
const LINE_OVERHEAD = 120;

export interface Line {
  readonly who: string;
  readonly text: string;
  /** What it is worth, more is better. */
  readonly worth: number;
}

/** The lines that an item could leave behind, in its order. @param recency 0 for the oldest item, up to 4 for the newest */
export function linesOf(item: LoggedItem, recency: number, tool: string | null): readonly Line[] {
  if (isDigest(item)) return linesOfDigest(wordsOf(item));
  const who = whoSaid(item, tool);
  if (who === null) return [];
  const bonus = recency + (who === 'user' ? 4 : 0);
  return segmentsOf(wordsOf(item)).map(text => ({ who, text, worth: worthOf(text) + bonus }));
}

/** Lines were chosen once: that they are kept again counts for something. */
function linesOfDigest(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter(line => line !== HEADER && line.trim() !== '')
    .map((line): Line => {
      const [, who = 'summary', said = line] = LINE.exec(line) ?? [];
      return { who, text: said, worth: worthOf(said) + 2 };
    });
}

/** Null for what is not carried over as words: what a model thought, and the arguments of calls that were answered. */
function whoSaid(item: LoggedItem, tool: string | null): string | null {
  if (isOutput(item)) return tool === null ? 'tool' : `tool ${tool}`;
  if (isCall(item) || item.type !== 'message') return null;
  return textOf(item['role']) || null;
}

/** The words are quotations: they get no more authority than the assistant's own. */
export function digestItem(lines: readonly Pick<Line, 'who' | 'text'>[]): LoggedItem {
  return digestOf([HEADER, ...lines.map(writtenLine)].join('\n'));
}

/** A digest with a model's words in it. */
export function summaryItem(summary: string): LoggedItem {
  return digestOf(`${HEADER}\n${summary.trim()}`);
}

function digestOf(text: string): LoggedItem {
  const content = [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', id: DIGEST_ID, status: 'completed', role: 'assistant', content };
}

function writtenLine({ who, text }: Pick<Line, 'who' | 'text'>): string {
  return `- ${who}: ${text}`;
}

function lineWeight(line: Line): number {
  const json = JSON.stringify(`${writtenLine(line)}\n`);
  return textWeight(json, utf8Bytes(json));
}

/**
 * The best lines that fit, in their order; null if none does.
 * @param room sixths of a token
 */
export function bestDigest(lines: readonly Line[], room: number): LoggedItem | null {
  const seen = new Set<string>();
  const candidates = lines
    .map((line, index) => ({ line, index, weight: lineWeight(line) }))
    .filter(({ line }) => {
      const key = line.text.toLowerCase();
      return seen.has(key) ? false : seen.add(key);
    });
  // The later of two that are as good: it may correct the earlier.
  candidates.sort(
    (a, b) =>
      b.line.worth * (a.weight + LINE_OVERHEAD) - a.line.worth * (b.weight + LINE_OVERHEAD) || b.index - a.index,
  );
  let left = room - itemWeight(digestItem([]));
  const kept = candidates.filter(({ weight }) => {
    if (weight > left) return false;
    left -= weight;
    return true;
  });
  if (kept.length === 0) return null;
  return digestItem(kept.toSorted((a, b) => a.index - b.index).map(({ line }) => line));
}
