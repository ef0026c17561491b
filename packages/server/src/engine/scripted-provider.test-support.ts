/** An upstream that says what its script says, and remembers what it was sent. */
import type { Step, StepEnd } from '../log/steps.ts';
import type { CallSettings, ContextRun, Provider, ProviderCall, ProviderError } from './ports.ts';

/** What one call does: yields batches of steps, waits, throws. A step `end` is added if the script gives none. */
export type CallScript = (call: ProviderCall, n: number) => AsyncIterable<readonly Step[]>;

export const END: StepEnd = {
  type: 'end',
  outcome: 'completed',
  reason: null,
  usage: { input: 10, cached: 4, output: 5, reasoning: 1 },
  upstream: { response: 'up_resp', request: 'up_req' },
};

export class ScriptedProvider implements Provider {
  readonly dialect = 'scripted';
  readonly calls: ProviderCall[] = [];
  /** Called before anything of a call happens: where a test looks at the store. */
  onCall: (call: ProviderCall) => Promise<void> = async () => undefined;
  #script: CallScript = () => batches(message('Hi there'));

  /** Every call from now on follows this. */
  follow(script: CallScript): void {
    this.#script = script;
  }

  /** The nth call from now on follows the nth script, all after it the last. */
  inTurn(...scripts: readonly CallScript[]): void {
    const from = this.calls.length;
    this.#script = (call, n) => {
      const script = scripts[Math.min(n - from, scripts.length) - 1];
      if (script === undefined) throw new Error('a script has no calls');
      return script(call, n);
    };
  }

  async call(call: ProviderCall): Promise<AsyncIterable<readonly Step[]>> {
    this.calls.push(call);
    const n = this.calls.length;
    await this.onCall(call);
    return this.#script(call, n);
  }

  async answer(call: ProviderCall): Promise<readonly Step[]> {
    const steps: Step[] = [];
    for await (const batch of await this.call(call)) steps.push(...batch);
    return steps;
  }

  /** A third of the characters, as a dialect would. */
  estimateInput(context: readonly ContextRun[], settings: CallSettings): number {
    const said = context.flatMap(({ items }) => items);
    return Math.ceil((JSON.stringify(said).length + JSON.stringify(settings).length - 4) / 3);
  }

  async close(): Promise<void> {}
}

/** The steps of a message, its text in as many deltas as given. */
export function message(...deltas: readonly string[]): Step[] {
  return [
    { type: 'item', index: 0, item: { type: 'message' } },
    { type: 'part', index: 0, part: 0, kind: 'output_text' },
    ...deltas.map((text): Step => ({ type: 'delta', index: 0, part: 0, text })),
    { type: 'part_done', index: 0, part: 0 },
    { type: 'item_done', index: 0 },
  ];
}

/** The steps of a function call. */
export function functionCall(callId: string, args = '{}', index = 0): Step[] {
  return [
    { type: 'item', index, item: { type: 'function_call', callId, name: 'look' } },
    { type: 'delta', index, part: 0, text: args },
    { type: 'item_done', index },
  ];
}

/** Step by step, each in a batch of its own, and the end after the last. */
export async function* batches(steps: readonly Step[], end: StepEnd | null = END): AsyncGenerator<readonly Step[]> {
  for (const step of steps) {
    await Promise.resolve();
    yield [step];
  }
  if (end !== null) yield [end];
}

/** Some steps, then a failure. */
export async function* thenFail(steps: readonly Step[], error: Error): AsyncGenerator<readonly Step[]> {
  for (const step of steps) yield [step];
  await Promise.resolve();
  throw error;
}

/** Some steps, then silence until the call is aborted. */
export async function* thenHang(steps: readonly Step[], { signal }: ProviderCall): AsyncGenerator<readonly Step[]> {
  for (const step of steps) yield [step];
  await new Promise<never>((_, reject) => {
    const abort = (): void => reject(failure('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
}

export function failure(
  kind: ProviderError['providerError'],
  more: Partial<Pick<ProviderError, 'retryable' | 'status' | 'retryAfterMs' | 'param' | 'unsent'>> = {},
): ProviderError {
  return Object.assign(new Error(`scripted: ${kind}`), {
    providerError: kind,
    retryable: false,
    retryAfterMs: null,
    status: null,
    param: null,
    requestId: null,
    ...more,
  });
}
