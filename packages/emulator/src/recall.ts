import { isQuestion, MAX_SENTENCE_CHARS, sentenceEnd, sentenceStart } from './sentences.ts';

/**
 * Finds the sentence of a context that best matches a question: the sum of the weights of the question's words that it
 * holds, a word weighing more the fewer of the matching sentences hold it. One pass of a regular expression over the
 * context; nothing is kept between requests.
 */
export interface ContextText {
  readonly text: string;
  /** True for what the emulator itself said: it wins only if nothing that others said matches as well. */
  readonly echo: boolean;
}

/** The words of a question after these are not looked for (they are bits of one number). */
const MAX_QUESTION_WORDS = 30;
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

/** Lower case of the same length, so that positions in one are positions in the other. */
const lowered = (text: string): string => {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]+/g, run => run.toLowerCase());
};

const LETTER = '[a-z0-9\\u0080-\\uffff]';

/** Each form of each word of the question, with the bit of its word. */
function wordsOf(question: string): Map<string, number> {
  const plain = new Set<string>();
  for (const [word] of lowered(question).matchAll(new RegExp(`${LETTER}+`, 'g'))) {
    if (plain.size < MAX_QUESTION_WORDS && (!STOP_WORDS.has(word) || word === 'name')) plain.add(word);
  }
  const bits = new Map<string, number>();
  for (const [index, word] of [...plain].entries()) {
    const plural = word.length > 3 && word.endsWith('s') ? word.slice(0, -1) : `${word}s`;
    const variants = plain.size === 1 ? [] : (VARIANTS[word] ?? []);
    for (const form of [word, plural, ...variants]) if (!bits.has(form)) bits.set(form, 1 << index);
  }
  return bits;
}

interface Candidate {
  readonly start: number;
  readonly end: number;
  mask: number;
}

/** The sentences of `text` that hold any of the words, in order. */
function candidatesIn(text: string, bits: ReadonlyMap<string, number>): Candidate[] {
  const lower = lowered(text);
  const forms = [...bits.keys()].sort((one, other) => other.length - one.length);
  const pattern = new RegExp(`(?<!${LETTER})(?:${forms.join('|')})(?!${LETTER})`, 'g');
  const candidates: Candidate[] = [];
  let current: Candidate | null = null;
  for (let hit = pattern.exec(lower); hit !== null; hit = pattern.exec(lower)) {
    const from = hit.index;
    const to = from + hit[0].length;
    const bit = bits.get(hit[0]) ?? 0;
    if (current !== null && from < current.end) {
      current.mask |= bit;
      continue;
    }
    const start = sentenceStart(text, from, Math.max(current?.end ?? 0, from - MAX_SENTENCE_CHARS / 2));
    const end = sentenceEnd(text, to, Math.min(text.length, to + MAX_SENTENCE_CHARS / 2));
    current = { start, end, mask: bit };
    candidates.push(current);
  }
  return candidates;
}

/** The weight of each set of words: the rarer a word is among the candidates, the more it weighs. */
function weigher(candidates: readonly Candidate[]): (mask: number) => number {
  const holders = new Map<number, number>();
  for (const { mask } of candidates) {
    for (let rest = mask; rest !== 0; rest &= rest - 1) holders.set(rest & -rest, (holders.get(rest & -rest) ?? 0) + 1);
  }
  const weights = new Map<number, number>();
  return mask => {
    let weight = weights.get(mask);
    if (weight === undefined) {
      weight = 0;
      for (let rest = mask; rest !== 0; rest &= rest - 1) {
        weight += Math.log(1 + candidates.length / (holders.get(rest & -rest) ?? 1));
      }
      weights.set(mask, weight);
    }
    return weight;
  };
}

export function bestSentence(question: string, context: Iterable<ContextText>): string | null {
  const bits = wordsOf(question);
  if (bits.size === 0) return null;
  const texts = [...context];
  const whole = texts.map(({ text }) => text).join('\n');
  const candidates = candidatesIn(whole, bits);
  const weigh = weigher(candidates);
  // From the last to the first: of several that match as well the last wins, without a look at the text of the others.
  let at = texts.length - 1;
  let textStart = whole.length - (texts[at]?.text.length ?? 0);
  let best: { readonly sentence: string; readonly echo: boolean; readonly weight: number } | null = null;
  for (const { start, end, mask } of candidates.toReversed()) {
    while (start < textStart) textStart -= 1 + (texts[--at]?.text.length ?? 0);
    const weight = weigh(mask);
    const echo = texts[at]?.echo === true;
    if (best !== null && (weight < best.weight || (weight === best.weight && (echo || !best.echo)))) continue;
    const sentence = whole.slice(start, end).trim();
    if (!isQuestion(sentence)) best = { sentence, echo, weight };
  }
  return best?.sentence ?? null;
}
