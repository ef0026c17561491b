/**
 * Finds the sentence of a context that best matches a question: the sum of the weights of the question's words that it
 * holds, a word weighing more the fewer sentences hold it. Two passes, the second over matching sentences only, so that
 * the time grows with the text and nothing is kept between requests.
 */
export interface ContextText {
  readonly text: string;
  /** True for what the emulator itself said: it wins only if nothing that others said matches as well. */
  readonly echo: boolean;
}

/** A longer run without an end of sentence is cut here, so that no answer quotes a whole document. */
export const MAX_SENTENCE_CHARS = 1_000;
/** The words of a question after these are not looked for (they are bits of one number). */
export const MAX_QUESTION_WORDS = 30;

const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about all also am an and any are as at be been but by can could did do does for from give had has have he her him his
   how i if in into is it its just know let list many may me much my name of on or our out please remember s say she should
   show so some t tell than that the their them then there these they this those to told up us was we were what when where
   which who whom whose why will with would you your`.split(/\s+/),
);

/** Words that say the same in a question and in the statement that answers it. `name` alone matches nothing else. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  name: ['named', 'called'],
  named: ['name', 'called'],
  called: ['name', 'named'],
};

const isWordCode = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code >= 128;

/** Lower case of the same length, so that positions in one are positions in the other. */
const lowered = (text: string): string => {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]+/g, run => run.toLowerCase());
};

const isBlank = (code: number): boolean => code <= 32 || code === 0xa0;
const isQuoteEnd = (code: number): boolean =>
  code === 34 || code === 39 || code === 41 || code === 93 || code === 0x201d;

/** Calls `visit` with the bounds of every sentence of a text, blanks at either end left out. */
export function eachSentence(text: string, visit: (start: number, end: number) => void): void {
  const length = text.length;
  const emit = (from: number, to: number): void => {
    let start = from;
    let end = to;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    if (end > start) visit(start, end);
  };
  let start = 0;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || (at - start >= MAX_SENTENCE_CHARS && isBlank(code)) || at - start >= 2 * MAX_SENTENCE_CHARS) {
      emit(start, at);
      start = at;
    } else if (code === 46 || code === 33 || code === 63 || code === 0x3002) {
      let end = at + 1;
      while (end < length && isQuoteEnd(text.charCodeAt(end))) end++;
      if (end < length && !isBlank(text.charCodeAt(end)) && code !== 0x3002) continue;
      emit(start, end);
      start = end;
      at = end - 1;
    }
  }
  emit(start, length);
}

export const isQuestion = (sentence: string): boolean => /\?["')\]\u201d]*$/.test(sentence);

function eachWord(lower: string, start: number, end: number, visit: (word: string) => void): void {
  let at = start;
  while (at < end) {
    while (at < end && !isWordCode(lower.charCodeAt(at))) at++;
    const from = at;
    while (at < end && isWordCode(lower.charCodeAt(at))) at++;
    if (at > from) visit(lower.slice(from, at));
  }
}

/** Each form of each word of the question, with the bit of its word. */
function wordsOf(question: string): Map<string, number> {
  const bits = new Map<string, number>();
  const lower = lowered(question);
  const plain: string[] = [];
  eachWord(lower, 0, lower.length, word => {
    if ((!STOP_WORDS.has(word) || word === 'name') && !plain.includes(word) && plain.length < MAX_QUESTION_WORDS)
      plain.push(word);
  });
  const only = plain.length === 1;
  plain.forEach((word, index) => {
    const plural = word.length > 3 && word.endsWith('s') ? word.slice(0, -1) : `${word}s`;
    for (const form of [word, plural, ...(only ? [] : (VARIANTS[word] ?? []))])
      if (!bits.has(form)) bits.set(form, 1 << index);
  });
  return bits;
}

interface Candidate {
  readonly text: ContextText;
  readonly start: number;
  readonly end: number;
  readonly mask: number;
}

export function bestSentence(question: string, context: Iterable<ContextText>): string | null {
  const bits = wordsOf(question);
  if (bits.size === 0) return null;
  const lengths = new Set(Array.from(bits.keys(), word => word.length));
  const firsts = new Set(Array.from(bits.keys(), word => word.charCodeAt(0)));
  const holders = new Map<number, number>();
  const candidates: Candidate[] = [];
  let sentences = 0;

  for (const text of context) {
    const lower = lowered(text.text);
    eachSentence(text.text, (start, end) => {
      sentences++;
      let mask = 0;
      let at = start;
      while (at < end) {
        while (at < end && !isWordCode(lower.charCodeAt(at))) at++;
        const from = at;
        while (at < end && isWordCode(lower.charCodeAt(at))) at++;
        if (lengths.has(at - from) && firsts.has(lower.charCodeAt(from))) mask |= bits.get(lower.slice(from, at)) ?? 0;
      }
      if (mask === 0 || isQuestion(text.text.slice(Math.max(start, end - 4), end))) return;
      for (let rest = mask; rest !== 0; rest &= rest - 1)
        holders.set(rest & -rest, (holders.get(rest & -rest) ?? 0) + 1);
      candidates.push({ text, start, end, mask });
    });
  }

  const scores = new Map<number, number>();
  const scoreOf = (mask: number): number => {
    let score = scores.get(mask);
    if (score === undefined) {
      score = 0;
      for (let rest = mask; rest !== 0; rest &= rest - 1)
        score += Math.log(1 + sentences / (holders.get(rest & -rest) ?? 1));
      scores.set(mask, score);
    }
    return score;
  };
  let best: Candidate | null = null;
  let bestScore = 0;
  for (const candidate of candidates) {
    const score = scoreOf(candidate.mask);
    const wins =
      best === null || score > bestScore || (score === bestScore && (best.text.echo || !candidate.text.echo));
    if (wins) {
      best = candidate;
      bestScore = score;
    }
  }
  return best === null ? null : best.text.text.slice(best.start, best.end);
}
