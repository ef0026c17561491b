/**
 * Where sentences begin and end: at a line's end, and after a stop (with the quotes and brackets that close behind it)
 * that a blank follows. Both bounds are found from any place inside, so that only what matches is ever looked at.
 */

/** A longer sentence is cut to this many characters around what matched, so that no answer quotes a whole document. */
export const MAX_SENTENCE_CHARS = 1_000;

const isBlank = (code: number): boolean => code <= 32 || code === 0xa0;
const isStop = (code: number): boolean => code === 46 || code === 33 || code === 63 || code === 0x3002;
const isQuoteEnd = (code: number): boolean =>
  code === 34 || code === 39 || code === 41 || code === 93 || code === 0x201d;

/** Whether a sentence ends right before `at`, a blank. */
function endsBefore(text: string, at: number): boolean {
  let last = at - 1;
  while (last >= 0 && isQuoteEnd(text.charCodeAt(last))) last--;
  return last >= 0 && isStop(text.charCodeAt(last));
}

const END = /[.!?\u3002]["')\]\u201d]*(?=[\0-\x20\xa0])|\u3002|\n/;

export function sentenceEnd(text: string, from: number, limit: number = text.length): number {
  const found = END.exec(text.slice(from, limit));
  if (found === null) return limit;
  return from + found.index + (found[0] === '\n' ? 0 : found[0].length);
}

export function sentenceStart(text: string, from: number, limit: number = 0): number {
  for (let at = from; at > limit; at--) {
    const code = text.charCodeAt(at - 1);
    if (code === 10 || code === 0x3002 || (isBlank(code) && endsBefore(text, at - 1))) return at;
  }
  return limit;
}

/** All sentences of a text in order, blanks at their ends left out. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = sentenceEnd(text, at);
    const sentence = text.slice(at, end).trim();
    if (sentence !== '') sentences.push(sentence);
    at = Math.max(end, at + 1);
  }
  return sentences;
}

export const isQuestion = (sentence: string): boolean => /\?["')\]\u201d]*$/.test(sentence);
