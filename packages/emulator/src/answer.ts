import { withoutDirectives } from './directives.ts';
import type { Prompt, Turn } from './prompt.ts';
import { bestSentence, type ContextText } from './recall.ts';
import { fillSchema } from './schema-filler.ts';
import { isQuestion, sentencesOf } from './sentences.ts';
import { callsFor } from './tool-calls.ts';
import { countTokens, firstTokens } from './tokens.ts';

/** A part of the answer. `cut`: the token bound ended it before its end. */
export type Part =
  | { readonly kind: 'reasoning'; readonly summary: string; readonly cut: boolean }
  | { readonly kind: 'text'; readonly text: string; readonly cut: boolean }
  | {
      readonly kind: 'call';
      readonly type: 'function' | 'custom';
      readonly name: string;
      readonly namespace?: string;
      /** The input of a custom tool. */
      readonly arguments: string;
      readonly cut: boolean;
    };

interface Usage {
  readonly input: number;
  readonly cached: number;
  /** Written to the cache. */
  readonly written: number;
  readonly output: number;
  readonly reasoning: number;
}

export interface Answer {
  readonly parts: readonly Part[];
  readonly finish: 'done' | 'length';
  readonly usage: Usage;
}

const NOTED_CHARS = 80;
const OUTPUT_CHARS = 200;
const OPENERS =
  /^(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|will|would|tell|list|show|explain|summari[sz]e|repeat|recall|describe)\b/i;
const OWN = /^\[emulated [^\]\n]{1,40}\] /;
const FILLER = 'one more word so that this text can grow as long as the test asks and then some'.split(' ');

/** The first `limit` characters, never half of a surrogate pair. */
const beginning = (text: string, limit: number): string => {
  const cut = text.slice(0, limit);
  return cut.length < text.length && /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
};

/** What the emulator said earlier, down to what it quoted: so that a quotation of a quotation never grows. */
const unquoted = (text: string): ContextText | null => {
  if (!OWN.test(text)) return { text, echo: false };
  const said = text.replace(OWN, '');
  if (said.startsWith('Nothing that I was sent')) return null;
  const quoted = /^(?:From what I was sent|Noted|The tool \S+ returned): "(.*)"\.?$/s.exec(said)?.[1];
  return { text: quoted ?? said, echo: true };
};

function* contextOf(prompt: Prompt, otherSentences: string): Iterable<ContextText> {
  for (const [index, turn] of prompt.turns.entries()) {
    if (turn.speaker === 'call' || index === prompt.questionAt) continue;
    const text = withoutDirectives(turn.text);
    const heard = turn.speaker === 'assistant' ? unquoted(text) : { text, echo: false };
    if (heard !== null) yield heard;
  }
  if (otherSentences !== '') yield { text: otherSentences, echo: false };
}

/** The question in a message, and its other sentences; the question is null if the message only states. */
function questionIn(message: string): { readonly question: string | null; readonly others: string } {
  const sentences = sentencesOf(message);
  const marked = sentences.findLastIndex(isQuestion);
  const at = marked >= 0 || !OPENERS.test(sentences.at(-1) ?? '') ? marked : sentences.length - 1;
  const question = sentences[at] ?? null;
  return { question, others: question === null ? '' : sentences.filter((_, index) => index !== at).join('\n') };
}

function reply(prompt: Prompt): string {
  const outputs = prompt.turns.slice(
    prompt.turns.findLastIndex(turn => turn.speaker !== 'call' && turn.speaker !== 'output') + 1,
  );
  const answered = outputs.filter((turn): turn is Extract<Turn, { speaker: 'output' }> => turn.speaker === 'output');
  if (answered.length > 0) {
    return answered.map(({ name, text }) => `The tool ${name} returned: "${beginning(text, OUTPUT_CHARS)}".`).join(' ');
  }
  const message = prompt.question ?? '';
  const { question, others } = questionIn(message);
  if (question === null && message !== '') return `Noted: "${beginning(message, NOTED_CHARS)}".`;
  const found = question === null ? null : bestSentence(question, contextOf(prompt, others));
  return found === null ? 'Nothing that I was sent answers that.' : `From what I was sent: "${found}"`;
}

const sized = (mark: string, unit: 'words' | 'bytes', amount: number): string => {
  if (unit === 'words') {
    const words = Array.from({ length: amount - 2 }, (_, index) => FILLER[index % FILLER.length]);
    return `${mark}${words.join(' ')}`;
  }
  const line = `${FILLER.join(' ')} `;
  return `${mark}${line.repeat(Math.ceil(amount / line.length))}`.slice(0, amount);
};

function textOf(prompt: Prompt): string {
  const mark = `[emulated ${prompt.cloud}] `;
  const { format, directives } = prompt;
  if (format.kind === 'json-schema') return JSON.stringify(fillSchema(format.schema, 'all', directives.chosen));
  if (format.kind === 'json-object') return JSON.stringify({ emulated: true, answer: `${mark}${reply(prompt)}` });
  const text =
    directives.size === null ? `${mark}${reply(prompt)}` : sized(mark, directives.size.unit, directives.size.amount);
  const stops = prompt.stop.map(stop => text.indexOf(stop)).filter(at => at >= 0);
  return stops.length === 0 ? text : text.slice(0, Math.min(...stops));
}

function inputTokens(prompt: Prompt): { readonly input: number; readonly prefix: number } {
  let input = prompt.attachmentTokens;
  let prefix = 0;
  for (const [index, turn] of prompt.turns.entries()) {
    if (index === prompt.questionAt) prefix = input;
    input += countTokens(turn.text) + (turn.speaker === 'call' ? countTokens(turn.name) : 0);
  }
  let definitions = prompt.format.kind === 'json-schema' ? countTokens(JSON.stringify(prompt.format.schema)) : 0;
  for (const tool of prompt.tools)
    definitions += countTokens(JSON.stringify([tool.name, tool.description, tool.parameters]));
  return { input: input + definitions, prefix: prefix + definitions };
}

/** What the emulator answers: decided by the prompt alone, and the same for the same prompt. */
export function answerTo(prompt: Prompt): Answer {
  const { directives } = prompt;
  const { input, prefix } = inputTokens(prompt);
  const parts: Part[] = [];
  let left = prompt.maxTokens ?? Number.POSITIVE_INFINITY;
  let output = 0;
  let finish: Answer['finish'] = 'done';
  const spend = (text: string): { readonly text: string; readonly cut: boolean } => {
    const kept = firstTokens(text, left);
    left -= kept.tokens;
    output += kept.tokens;
    const cut = kept.text.length < text.length;
    if (cut) finish = 'length';
    return { text: kept.text, cut };
  };

  const reasoning = Math.min(directives.reasoningTokens, left);
  if (directives.reasoningTokens > 0) {
    left -= reasoning;
    output += reasoning;
    const cut = reasoning < directives.reasoningTokens;
    if (cut) finish = 'length';
    parts.push({ kind: 'reasoning', summary: `Emulated reasoning of ${reasoning} tokens.`, cut });
  }
  const calls = callsFor(prompt);
  for (const call of calls) {
    if (finish === 'length') break;
    const { text, cut } = spend(call.arguments);
    const { type, name, namespace } = call;
    const named = { type, name, ...(namespace !== undefined && { namespace }) };
    if (!(cut && text === '')) parts.push({ kind: 'call', ...named, arguments: text, cut });
  }
  if (calls.length === 0 && finish === 'done') {
    const { text, cut } = spend(textOf(prompt));
    if (!(cut && text === '')) parts.push({ kind: 'text', text, cut });
  }
  const cached = directives.cached === 'prefix' ? prefix : Math.min(directives.cached ?? 0, input);
  const written = Math.min(directives.cacheWrite, input - cached);
  return { parts, finish, usage: { input, cached, written, output, reasoning } };
}
