/** Texts cut into segments that can stand alone, and what a segment is worth keeping for. Integers only: the same on every machine. */

/** Longer sentences are cut where they can be. */
const MAX_SEGMENT = 280;

/** Sentences and lines of a text, in order, white space made plain. */
export function segmentsOf(text: string): readonly string[] {
  const found: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    for (const sentence of line.split(/(?<=[.!?。！？])\s+/)) {
      const plain = sentence.replace(/\s+/g, ' ').trim();
      if (plain !== '') cut(plain, found);
    }
  }
  return found;
}

function cut(sentence: string, into: string[]): void {
  let rest = sentence;
  while (rest.length > MAX_SEGMENT) {
    const head = rest.slice(0, MAX_SEGMENT);
    const at = Math.max(
      head.lastIndexOf('; '),
      head.lastIndexOf(', '),
      head.lastIndexOf('},') + 1,
      head.lastIndexOf(' '),
    );
    const end = at > MAX_SEGMENT / 4 ? at + 1 : wholeUnits(rest, MAX_SEGMENT);
    into.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trim();
  }
  if (rest !== '') into.push(rest);
}

/** Never half of a surrogate pair. */
function wholeUnits(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

const NUMBER = /\d+/g;
const NAME = /(?<=[\p{L}\p{N},;:] )\p{Lu}[\p{L}\p{N}'’-]+/gu;
// Begins where a word does: else each letter of a long word is tried, and the rest of the word read again.
const IDENTIFIER = /(?<![\p{L}\p{N}])[\p{L}\p{N}]+(?:[_/@.:-]+[\p{L}\p{N}]+)+|`[^`]+`/gu;
const QUOTED = /["“”«][^"“”»]{2,80}["”»]/;
const DECISION =
  /\b(?:decid\w*|decision|agree[ds]?|chose\w*|choos\w*|must|never|always|because|therefore|prefer\w*|remember|important|note|deadline|due|error|fail\w*|fix\w*|cause|called|named|name|is|are|was|were|means?|result|total|todo|next)\b/i;
const FILLER =
  /^(?:sure|ok(?:ay)?|certainly|of course|great|thanks?|let me|i(?:'|’)ll|happy to|here(?:'|’)s|hello|hi)\b/i;

const count = (text: string, pattern: RegExp, most: number): number => Math.min(text.match(pattern)?.length ?? 0, most);

/** How much a later turn may need the segment: names, numbers, identifiers, decisions. At least 1. */
export function worthOf(segment: string): number {
  const facts =
    4 * count(segment, NUMBER, 3) +
    3 * count(segment, NAME, 3) +
    3 * count(segment, IDENTIFIER, 2) +
    (DECISION.test(segment) ? 5 : 0) +
    (QUOTED.test(segment) ? 2 : 0);
  return Math.max(1, 2 + facts - (FILLER.test(segment) ? 4 : 0) - (segment.endsWith('?') ? 3 : 0));
}
