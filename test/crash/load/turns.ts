/** One stored turn from the client's side: sent, read to its end or to the cut, taken up again after a crash. */
import type { Random } from '../random.ts';
import type { Violations } from '../violations.ts';
import { framesOf, FrameText } from './frames.ts';
import { type Answer, codeOf, ConnectionCut, type Endpoint, fieldsOf, send } from './http.ts';
import { isFinal, type Json, type Ledger, type TurnRecord } from './ledger.ts';
import type { Stage } from './stage.ts';

export interface Load {
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly violations: Violations;
  readonly random: Random;
  /** Whether the disk may be full: then 507 and streams that break are lawful. */
  readonly mayBeFull: boolean;
  /** Times that the server said 507 `store_full`. */
  refusedFull: number;
}

/** ms between two looks at something that another request or the recovery is still busy with. */
const LOOK_AGAIN_MS = 25;
/** ms in which a refusal that asks for patience, or a recovered turn, must come to its end. */
const PATIENCE_MS = 15_000;
export const PATIENT: ReadonlySet<string> = new Set([
  'response_in_progress',
  'idempotency_in_progress',
  'conversation_locked',
  'server_draining',
  'rate_limit_exceeded',
]);

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/**
 * Sends the turn and reads its answer. True once the response has ended and is known; false if it was refused and nothing came of it.
 * @throws ConnectionCut, AnswerLate
 */
export async function postTurn(load: Load, endpoint: Endpoint, record: TurnRecord): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await attempt(load, endpoint, record);
    if (answer.status === 200) return ended(load, record, answer);
    if (record.id !== null) return settleTurn(load, endpoint, record);
    const code = codeOf(answer);
    if (answer.status === 507 && code === 'store_full' && load.mayBeFull) {
      load.refusedFull += 1;
      await pause(LOOK_AGAIN_MS);
      return false;
    }
    // Here the outcome may be unknown; whoever has a key asks again, whoever has none must take it as lost.
    if (code === 'store_unavailable' && load.mayBeFull && record.key === null) return false;
    const patient = PATIENT.has(code) || (code === 'store_unavailable' && load.mayBeFull);
    if (!patient || Date.now() > until) {
      load.violations.add(
        'liveness',
        `a turn was answered ${answer.status} ${code}`,
        `${record.client}: ${answer.text.slice(0, 300)}`,
      );
      return false;
    }
    await pause(LOOK_AGAIN_MS);
  }
}

async function attempt(load: Load, endpoint: Endpoint, record: TurnRecord): Promise<Answer> {
  if (record.frames.all !== '') {
    record.earlier.push(record.frames.all);
    record.frames = new FrameText();
  }
  let streams = false;
  record.open = true;
  return send(
    endpoint,
    {
      method: 'POST',
      path: '/v1/responses',
      body: record.body,
      headers: record.key === null ? {} : { 'idempotency-key': record.key },
    },
    {
      onHead(status, headers) {
        streams = status === 200 && String(headers['content-type']).startsWith('text/event-stream');
        const id = headers['perdure-response'];
        if (typeof id === 'string') acknowledge(load, record, id);
      },
      onText(text) {
        if (!streams) return;
        record.frames.push(text);
        if (record.id !== null && record.earlier.length === 0) return;
        const shown = /"response":\{"id":"(resp_\w+)"/.exec(record.frames.whole)?.[1];
        if (shown !== undefined) acknowledge(load, record, shown);
      },
    },
  ).catch((error: unknown) => {
    // It never reached a server, so it was not in flight when that one died.
    if (error instanceof ConnectionCut && error.refused && record.id === null) record.open = false;
    throw error;
  });
}

function acknowledge(load: Load, record: TurnRecord, id: string): void {
  if (record.id !== null && record.id !== id)
    load.violations.add('L2', 'one idempotency key, two responses', `${record.client}: ${record.id}, then ${id}`);
  if (record.id === null) load.ledger.acknowledged(record, id);
}

function ended(load: Load, record: TurnRecord, answer: Answer): boolean {
  const resource = record.stream ? lastResource(record) : fieldsOf(answer.text);
  if (resource === null) {
    load.violations.add('L2', 'a stream ended without its end', `${record.client} ${record.id ?? '-'}`);
    return false;
  }
  if (!isFinal(resource)) {
    load.violations.add(
      'L2',
      'a whole answer is not at its end',
      `${record.client} ${String(resource['id'])} ${String(resource['status'])}`,
    );
    return false;
  }
  acknowledge(load, record, String(resource['id']));
  record.sawEnd = true;
  keepEnd(load, record, resource);
  return true;
}

function lastResource(record: TurnRecord): Json | null {
  const last = framesOf(record.frames.whole).at(-1);
  const resource = last === undefined ? undefined : fieldsOf(last.data)['response'];
  return typeof resource === 'object' && resource !== null && isFinal(resource as Json) ? (resource as Json) : null;
}

/** The response has ended: from here on it may not change. */
export function keepEnd(load: Load, record: TurnRecord, resource: Json): void {
  record.resource ??= resource;
  record.open = false;
  load.ledger.unchecked.add(record);
  if (resource['status'] !== 'failed') return;
  const error = resource['error'];
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'no reason';
  load.ledger.failures.set(code, (load.ledger.failures.get(code) ?? 0) + 1);
  if (code === 'no reason' || code === 'internal_error')
    load.violations.add('liveness', `a turn failed: ${code}`, `${record.client} ${record.id ?? '-'}`);
}

/** Waits for the end of a turn that was acknowledged. False if it is gone. @throws ConnectionCut, AnswerLate */
export async function settleTurn(load: Load, endpoint: Endpoint, record: TurnRecord): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await send(endpoint, { method: 'GET', path: `/v1/responses/${record.id ?? ''}` });
    const resource = fieldsOf(answer.text);
    if (answer.status === 404) {
      load.violations.add('L2', 'an acknowledged response is gone', `${record.client} ${record.id ?? '-'}`);
      record.open = false;
      return false;
    }
    if (answer.status === 200 && isFinal(resource)) {
      keepEnd(load, record, resource);
      return true;
    }
    // On a full disk a turn cannot end; it does once there is room again.
    if (load.mayBeFull && !load.stage.resting)
      return pause(LOOK_AGAIN_MS).then(() => settleTurn(load, endpoint, record));
    if (Date.now() > until) {
      load.violations.add(
        'liveness',
        'an unfinished turn did not come to its end',
        `${record.client} ${record.id ?? '-'} ${answer.status}`,
      );
      record.open = false;
      return false;
    }
    await pause(LOOK_AGAIN_MS);
  }
}
