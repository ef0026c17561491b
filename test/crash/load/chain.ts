/**
 * A chain of responses by `previous_response_id`: it says a fact in its first turn, talks of other things, and asks for the fact in its last.
 * The emulated model answers from what it is sent and from nothing else, so the fact comes back only if the context was kept whole.
 */
import type { Client } from './client.ts';
import { outputOf, textOf, type Json, type TurnRecord } from './ledger.ts';
import { type Load, postTurn, settleTurn } from './turns.ts';

export interface ChainStyle {
  readonly stream: 'always' | 'never' | 'mixed';
  /** Every request has an `Idempotency-Key` and is sent again until it is answered. */
  readonly keyed?: boolean;
  /** Now and then continues from an older response. */
  readonly forks?: boolean;
  /** Has a function called in every second turn, and answers the call. */
  readonly tools?: boolean;
}

/** What the next request says. */
interface Speech {
  readonly input: string | readonly Json[];
  readonly texts: readonly string[];
  readonly asksForCall: boolean;
  /** Looks at the completed response; null if it is as it must be, else what is wrong. */
  readonly check: (resource: Json) => string | null;
}

export const MODEL = 'crash-stored';
const TURNS = { least: 4, most: 6 };
const FILLER_WORDS = { least: 20, most: 70 };
const TOOL = {
  type: 'function',
  name: 'file_note',
  description: 'Files a note.',
  parameters: {
    type: 'object',
    properties: { ticket: { type: 'string' }, text: { type: 'string' } },
    required: ['ticket', 'text'],
    additionalProperties: false,
  },
  strict: true,
};
const NO_CHECK = (): null => null;

export function chainClient(load: Load, name: string, style: ChainStyle): Client {
  const { random, ledger, violations } = load;
  let chain = 0;
  let secret = '';
  let length = 0;
  /** Completed responses of this chain, in order. */
  let past: string[] = [];
  let call: { readonly callId: string; readonly marker: string } | null = null;
  let open: { readonly record: TurnRecord; readonly speech: Speech; readonly after: readonly string[] } | null = null;

  function startAgain(): void {
    chain += 1;
    secret = random.word(9);
    length = random.between(TURNS.least, TURNS.most);
    past = [];
    call = null;
  }

  function speech(marker: string, turn: number): Speech {
    const vault = `${name}x${chain}`.replaceAll('-', '');
    if (call !== null) return answerCall(call);
    if (turn === 0) return say(`The vault of ${vault} opens with ${secret}. Ticket ${marker}.`);
    if (turn >= length - 1) {
      const check = (resource: Json): string | null =>
        textOf(resource).includes(secret) ? null : `wanted ${secret}, got ${textOf(resource).slice(0, 200)}`;
      return { ...say(`Ticket ${marker}. Which word opens the vault of ${vault}?`), check };
    }
    if (style.tools === true && turn % 2 === 1) return askForCall(marker);
    return say(`Ticket ${marker}. [[words: ${random.between(FILLER_WORDS.least, FILLER_WORDS.most)}]]`);
  }

  function askForCall(marker: string): Speech {
    const words = Array.from({ length: random.between(10, 40) }, () => random.word(5)).join(' ');
    const wanted = JSON.stringify({ ticket: marker, text: words });
    const check = (resource: Json): string | null => {
      const calls = outputOf(resource).filter(item => item['type'] === 'function_call');
      return calls.length === 1 && calls[0]?.['arguments'] === wanted
        ? null
        : `calls: ${JSON.stringify(calls).slice(0, 300)}`;
    };
    return { ...say(`Please run file_note ${wanted}`), asksForCall: true, check };
  }

  function compose(): NonNullable<typeof open> {
    if (past.length === 0 && call === null) startAgain();
    let after: readonly string[] = past;
    if (style.forks === true && call === null && past.length > 2 && random.chance(0.4))
      after = past.slice(0, random.between(1, past.length - 1));
    const marker = random.word(12);
    const said = speech(marker, past.length);
    const previous = after.at(-1);
    const stream = style.stream === 'always' || (style.stream === 'mixed' && random.chance(0.5));
    const body = JSON.stringify({
      model: MODEL,
      input: said.input,
      stream,
      store: true,
      ...(previous !== undefined && { previous_response_id: previous }),
      ...(style.tools === true && { tools: [TOOL] }),
      ...(random.chance(0.2) && { instructions: `Be brief with ${name}.` }),
    });
    const key = style.keyed === true ? `${name}-${marker}` : null;
    const { texts: input, asksForCall } = said;
    return {
      record: ledger.turn({ client: name, marker, body, stream, key, input, asksForCall }),
      speech: said,
      after,
    };
  }

  function adopt({ record, speech: said, after }: NonNullable<typeof open>): void {
    const { resource, id } = record;
    if (resource === null || id === null) return;
    if (resource['status'] !== 'completed') {
      // A failed response cannot be continued; the one before it can.
      if (resource['status'] !== 'failed')
        violations.add('liveness', `a turn ended ${String(resource['status'])}`, `${name} ${id}`);
      return;
    }
    const wrong = said.check(resource);
    if (wrong !== null)
      violations.add(
        said.asksForCall ? 'L6' : 'context',
        said.asksForCall ? 'the call is not the one asked for' : 'the context was not kept',
        `${name} ${id}: ${wrong}`,
      );
    if (said.check !== NO_CHECK && !said.asksForCall) ledger.recalled += 1;
    const asked = outputOf(resource).find(item => item['type'] === 'function_call');
    call = asked === undefined ? null : { callId: String(asked['call_id']), marker: record.marker };
    // The question ends a chain that does not fork; one that forks is asked again from elsewhere, now and then.
    past =
      said.check !== NO_CHECK && !said.asksForCall
        ? style.forks === true && after.length > 2
          ? after.slice(0, 2)
          : []
        : [...after, id];
  }

  async function bring(current: NonNullable<typeof open>, known: Promise<boolean>): Promise<void> {
    const done = await known;
    current.record.open = false;
    open = null;
    if (done) return adopt(current);
    // Refused, which was noted: the same again would be refused again.
    if (!load.mayBeFull) startAgain();
  }

  return {
    name,
    busy: () => open !== null,
    async step(endpoint) {
      if (open === null) {
        open = compose();
        return bring(open, postTurn(load, endpoint, open.record));
      }
      const { record } = open;
      if (record.key !== null) return bring(open, postTurn(load, endpoint, record));
      if (record.id !== null) return bring(open, settleTurn(load, endpoint, record));
      // Nobody knows what became of it, and without a key nobody may ask again.
      record.open = false;
      open = null;
    },
  };
}

function say(text: string): Speech {
  return { input: text, texts: [text], asksForCall: false, check: NO_CHECK };
}

function answerCall({ callId, marker }: { readonly callId: string; readonly marker: string }): Speech {
  const output = `filed under ${marker}`;
  return {
    input: [{ type: 'function_call_output', call_id: callId, output }],
    texts: [output],
    asksForCall: false,
    check: NO_CHECK,
  };
}
