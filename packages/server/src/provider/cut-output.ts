/**
 * What an upstream cannot be asked for, done to its answer: stop texts, and fewer tokens than it takes for a limit. Steps go in as they come
 * and out as they stand (P1 to P3 of log/steps.ts).
 *
 * C1  Of a text that may be the beginning of a stop text nothing is told before it is known not to be.
 * C2  After the cut nothing is told but the end.
 * C3  At a stop text the upstream is stopped. Its usage is then an upper estimate, and marked as one; none is told if it reasoned, for what that
 *     came to nobody knows: the call then counts at its bound. What is too long is read to its end, which is near, and tells its usage.
 */
import { type JsonObject, textOf, type Usage } from '../log/events.ts';
import { isCallType, type Step, type StepEnd } from '../log/steps.ts';
import { textWeight, utf8Bytes, WEIGHT_OF_TOKEN } from '../kernel/text-tokens.ts';

export interface OutputRules {
  readonly stop: readonly string[];
  /** Tokens of text and of calls, by our own estimate: a stream does not say how many a piece is. Null: no limit of ours. */
  readonly tokens: number | null;
  /** An upper estimate, for an upstream that is stopped before it says. */
  readonly inputTokens: () => number;
}

interface Weighed {
  readonly chars: number;
  readonly weight: JsonObject;
}

export class OutputCut {
  readonly #rules: OutputRules;
  readonly #requestId: string | null;
  /** Text that came and was not told: it may be the beginning of a stop text. */
  #held = '';
  /** Log probabilities of tokens that were not told to their end; `#told` characters of them were. */
  #weights: Weighed[] = [];
  #told = 0;
  #open: { readonly index: number; part: number | null; readonly call: boolean; stoppable: boolean } | null = null;
  /** Estimated: in sixths of tokens, as texts are weighed. */
  #left: number;
  #made = 0;
  #hidden = false;
  #over: 'stop' | 'length' | null = null;
  /** Whether the end was told. */
  ended = false;
  /** Whether it was told before the upstream came to its own. */
  cut = false;

  constructor(rules: OutputRules, requestId: string | null) {
    this.#rules = rules;
    this.#requestId = requestId;
    this.#left = rules.tokens === null ? Number.POSITIVE_INFINITY : rules.tokens * WEIGHT_OF_TOKEN;
  }

  push(steps: readonly Step[]): Step[] {
    const out: Step[] = [];
    for (const step of steps) if (!this.ended) this.#step(step, out);
    return out;
  }

  #step(step: Step, out: Step[]): void {
    if (step.type === 'end') {
      this.ended = true;
      out.push(this.#over === null ? step : { ...step, ...ENDS[this.#over] });
      return;
    }
    if (step.type === 'delta') this.#made += textWeight(step.text, utf8Bytes(step.text));
    if (this.#over !== null) return;
    switch (step.type) {
      case 'item': {
        const { type } = step.item;
        if (type === 'reasoning') this.#hidden = true;
        this.#open = { index: step.index, part: isCallType(type) ? 0 : null, call: isCallType(type), stoppable: false };
        break;
      }
      case 'part':
        if (this.#open !== null) {
          this.#open.part = step.part;
          this.#open.stoppable = step.kind === 'output_text';
        }
        break;
      case 'delta':
        return this.#delta(step, out);
      case 'part_done':
        this.#tell(this.#held, out);
        this.#forget();
        if (this.#open !== null) this.#open.part = null;
        if (this.#over !== null) return;
        break;
      case 'item_done':
        this.#open = null;
    }
    out.push(step);
  }

  #delta(step: Extract<Step, { type: 'delta' }>, out: Step[]): void {
    for (const weight of step.logprobs ?? []) this.#weights.push({ chars: textOf(weight['token']).length, weight });
    if (this.#open?.stoppable !== true || this.#rules.stop.length === 0) {
      this.#tell(step.text, out);
      return;
    }
    const text = this.#held + step.text;
    const at = firstOf(this.#rules.stop, text);
    const safe = at ?? text.length - heldBack(this.#rules.stop, text);
    this.#held = text.slice(safe);
    this.#tell(text.slice(0, safe), out);
    if (at !== null && this.#over === null) this.#finish('stop', out);
  }

  /** Tells a text, as far as the limit lets it. */
  #tell(text: string, out: Step[]): void {
    if (this.#open === null || this.#over !== null) return;
    const fits = fitting(text, this.#left);
    const told = text.slice(0, fits);
    this.#left -= textWeight(told, utf8Bytes(told));
    if (told !== '') {
      const logprobs = this.#weightsOf(told.length);
      const { index, part } = this.#open;
      out.push({ type: 'delta', index, part: part ?? 0, text: told, ...(logprobs.length > 0 && { logprobs }) });
    }
    if (fits < text.length) this.#finish('length', out);
  }

  /** The log probabilities of the tokens that end within what is told now. */
  #weightsOf(chars: number): readonly JsonObject[] {
    this.#told += chars;
    const due: JsonObject[] = [];
    for (let next = this.#weights[0]; next !== undefined && next.chars <= this.#told; next = this.#weights[0]) {
      this.#told -= next.chars;
      due.push(next.weight);
      this.#weights.shift();
    }
    if (this.#weights.length === 0) this.#told = 0;
    return due;
  }

  #forget(): void {
    this.#held = '';
    this.#weights = [];
    this.#told = 0;
  }

  #finish(why: 'stop' | 'length', out: Step[]): void {
    this.#over = why;
    const open = this.#open;
    this.#forget();
    if (open === null) return;
    const { index } = open;
    if (open.part !== null && !open.call) out.push({ type: 'part_done', index, part: open.part });
    out.push({ type: 'item_done', index, ...(why === 'length' && { incomplete: true as const }) });
    if (why === 'length') return;
    this.ended = true;
    this.cut = true;
    out.push({
      type: 'end',
      ...ENDS.stop,
      ...(this.#hidden ? { usage: null } : { usage: this.#estimate(), metered: 'estimate' as const }),
      upstream: { response: null, request: this.#requestId },
    });
  }

  #estimate(): Usage {
    const output = Math.ceil(this.#made / WEIGHT_OF_TOKEN);
    return { input: this.#rules.inputTokens(), cached: 0, output, reasoning: 0 };
  }
}

const ENDS: { readonly [why in 'stop' | 'length']: Pick<StepEnd, 'outcome' | 'reason'> } = {
  stop: { outcome: 'completed', reason: null },
  length: { outcome: 'incomplete', reason: 'max_output_tokens' },
};

/** Where the stop text begins that is whole first, and of those that are whole at once the longest: so it matters not in which pieces a text comes. Null: there is none. */
function firstOf(stops: readonly string[], text: string): number | null {
  let first: { readonly from: number; readonly to: number } | null = null;
  for (const stop of stops) {
    const from = text.indexOf(stop);
    const to = from + stop.length;
    if (from >= 0 && (first === null || to < first.to || (to === first.to && from < first.from))) first = { from, to };
  }
  return first?.from ?? null;
}

/** How many characters at the end of a text may be the beginning of a stop text. */
function heldBack(stops: readonly string[], text: string): number {
  let most = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > most; length--)
      if (text.endsWith(stop.slice(0, length))) most = length;
  }
  return most;
}

/** How many characters of a text are no more than a weight; never half of one. */
function fitting(text: string, most: number): number {
  if (textWeight(text, utf8Bytes(text)) <= most) return text.length;
  let fits = 0;
  for (const char of text) {
    if (textWeight(text.slice(0, fits + char.length), utf8Bytes(text.slice(0, fits + char.length))) > most) break;
    fits += char.length;
  }
  return fits;
}

/** The same for an answer that came whole. Where its usage shows that no more was made than was asked for, no limit is ours to keep. */
export function cutAnswer(steps: readonly Step[], rules: OutputRules, requestId: string | null): readonly Step[] {
  const end = steps.at(-1);
  const usage = end?.type === 'end' ? end.usage : null;
  const kept = usage !== null && rules.tokens !== null && usage.output - usage.reasoning <= rules.tokens;
  const cut = new OutputCut({ ...rules, ...(kept && { tokens: null }) }, requestId);
  const told = cut.push(steps);
  const last = told.at(-1);
  // The upstream has said what it used.
  return cut.cut && last?.type === 'end' && end?.type === 'end'
    ? [...told.slice(0, -1), { ...end, ...ENDS.stop }]
    : told;
}
