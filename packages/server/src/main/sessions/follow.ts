/** The events of a session as they come, told as people read them: texts as they are written, everything else once it is whole. */
import { type JsonObject, textOf } from '../../log/events.ts';
import { SseParser } from '../../provider/transport/sse.ts';
import { type Io, printJson } from '../cli/io.ts';
import { itemLines, printable } from './transcript.ts';

/** Bytes of one event. */
const EVENT_BYTES = 16 * 1024 * 1024;

/** @param isLast ends it: the rest is not waited for */
export async function tellEvents(
  events: AsyncIterable<JsonObject>,
  io: Io,
  { json, isLast }: { readonly json: boolean; readonly isLast: (event: JsonObject) => boolean },
): Promise<void> {
  const teller = new Teller(io);
  for await (const event of events) {
    if (json) printJson(io, event);
    else teller.tell(event);
    if (isLast(event)) break;
  }
  teller.end();
}

/** @throws what the reading of the body fails with; the body's end ends it */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject> {
  const parser = new SseParser(EVENT_BYTES);
  for await (const chunk of body) {
    const found: JsonObject[] = [];
    parser.push(Buffer.from(chunk), data => void found.push(JSON.parse(data) as JsonObject));
    yield* found;
  }
}

class Teller {
  readonly #io: Io;
  /** The item whose text is being written. */
  #writing: string | null = null;
  #lineOpen = false;
  /** Items of which the text was written while it came. */
  readonly #written = new Set<string>();
  /** Commands that were told of as they began. */
  readonly #begun = new Set<string>();

  constructor(io: Io) {
    this.#io = io;
  }

  tell(event: JsonObject): void {
    switch (event['type']) {
      case 'agent.session.turn.output_text.delta':
        return this.#write(textOf(event['item_id']), 'assistant: ', textOf(event['delta']));
      case 'agent.output.command_execution_output.delta':
        return this.#write(textOf(event['item_id']), '', textOf(event['delta']));
      case 'agent.session.turn.item.added':
      case 'agent.session.turn.item.done':
        return this.#item(event['item'] as JsonObject, event['type'].endsWith('done'));
      case 'agent.session.requires_action':
        return this.#lines(waitsFor(event['session'] as JsonObject));
      case 'agent.session.idle':
        return this.#lines(['-- idle']);
      case 'agent.session.turn.failed':
      case 'agent.session.turn.cancelled':
        return this.#lines([`-- the turn ${endOf(event['turn'] as JsonObject)}`]);
      case 'agent.session.subagent.created':
      case 'agent.session.subagent.closed':
        return this.#lines([
          `-- ${whichOf(event['subagent'] as JsonObject)} ${textOf(event['type']).split('.').at(-1)}`,
        ]);
      default:
        if (textOf(event['type']).startsWith('agent.session.environment.'))
          this.#lines([`-- the environment is ${textOf(event['type']).split('.').at(-1)}`]);
    }
  }

  end(): void {
    if (this.#lineOpen) this.#io.out('\n');
    this.#lineOpen = false;
    this.#writing = null;
  }

  #write(item: string, who: string, text: string): void {
    if (this.#writing !== item) {
      this.end();
      this.#io.out(who);
      this.#writing = item;
      this.#written.add(item);
    }
    if (text === '') return;
    this.#io.out(printable(text));
    this.#lineOpen = !text.endsWith('\n');
  }

  /** A message of a model is told by its text, a command as it begins and by what it prints; all else by the item, once it is whole. */
  #item(item: JsonObject, done: boolean): void {
    const id = textOf(item['id']);
    const begins = !done && item['status'] === 'in_progress';
    if (item['type'] === 'command_execution') return this.#command(item, begins);
    if (begins) return;
    if (item['type'] === 'message' && this.#written.has(id)) return this.end();
    this.#lines(itemLines(item));
  }

  #command(item: JsonObject, begins: boolean): void {
    const id = textOf(item['id']);
    if (begins) this.#begun.add(id);
    const told = {
      ...(this.#begun.has(id) && !begins && { command: '' }),
      ...(this.#written.has(id) && { output: null }),
    };
    this.#lines(itemLines({ ...item, ...told }));
  }

  #lines(lines: readonly string[]): void {
    this.end();
    for (const line of lines) this.#io.out(`${line}\n`);
  }
}

function endOf({ status, error }: JsonObject): string {
  const { code, message } = (error ?? {}) as JsonObject;
  return printable(error == null ? textOf(status) : `${textOf(status)}: ${textOf(code)}: ${textOf(message)}`);
}

function whichOf({ id, name }: JsonObject): string {
  return printable(`sub-agent ${textOf(id)}${typeof name === 'string' ? ` (${name})` : ''} was`);
}

/** What a session waits for, and what helps. */
export function waitsFor(session: JsonObject): readonly string[] {
  return ((session['required_actions'] ?? []) as readonly JsonObject[]).map(action => {
    const call = `${textOf(action['name'])} ${JSON.stringify(action['arguments'] ?? null)}`;
    const approval = textOf(action['approval_id']);
    switch (action['type']) {
      case 'perdure.approval_request':
        return printable(`-- waits for an approval of ${call}: perdure approvals grant ${approval}`);
      case 'perdure.outcome_unknown':
        return printable(`-- nobody knows whether ${call} ran: perdure approvals show ${approval}`);
      case 'environment_connection':
        return `-- waits for a worker: perdure worker --environment ${textOf(action['environment_id'])}`;
      default:
        return printable(`-- waits for the result of ${call}`);
    }
  });
}
