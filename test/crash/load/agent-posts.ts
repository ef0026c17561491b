/** Sending input to a session, under a key, until it is answered. */
import type { AgentInput, AgentRecord } from './agent-ledger.ts';
import { codeOf, type Endpoint, send } from './http.ts';
import { type Load, PATIENT, pause } from './turns.ts';

export interface AgentPost {
  readonly key: string;
  readonly body: string;
  /** What it says; null if it says nothing to the model. */
  readonly input: AgentInput | null;
  /** Its turn may have ended meanwhile: it was cancelled. */
  readonly mayBeLate: boolean;
}

const AGAIN_MS = 25;
const PATIENCE_MS = 20_000;

/** Resolves once it is answered: then it must be there for ever. @throws ConnectionCut, AnswerLate */
export async function postEvents(load: Load, endpoint: Endpoint, of: AgentRecord, post: AgentPost): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  const { key, body, input } = post;
  for (;;) {
    const answer = await send(endpoint, {
      method: 'POST',
      path: `/v1/agents/sessions/${of.id}/events`,
      body,
      headers: { 'idempotency-key': key },
    });
    if (answer.status === 202) {
      if (input !== null) input.acknowledged = true;
      return;
    }
    const code = codeOf(answer);
    if (post.mayBeLate && answer.status === 400 && answer.text.includes('Unknown pending tool call')) return;
    if ((PATIENT.has(code) || code === 'session_queue_full') && Date.now() < until) {
      await pause(AGAIN_MS);
      continue;
    }
    load.violations.add(
      'liveness',
      `input was answered ${answer.status} ${code}`,
      `${of.client} ${of.id} ${key}: ${answer.text.slice(0, 300)}`,
    );
    return;
  }
}
