/** Saying yes and no to what a session waits for: often twice at once, of which one alone may be heard (L7). */
import type { AgentRecord, Verdict } from './agent-ledger.ts';
import { codeOf, ConnectionCut, type Endpoint, fieldsOf, send } from './http.ts';
import { type Load, pause } from './turns.ts';

/** What a session waits for. */
export interface Action {
  readonly type: 'function_call' | 'perdure.approval_request' | 'perdure.outcome_unknown';
  readonly turn_id: string;
  readonly call_id: string;
  readonly approval_id: string;
  readonly arguments: unknown;
}

const LOOK_MS = 20;
/** Codes after which the same may be asked again. */
const AGAIN: ReadonlySet<string> = new Set(['server_draining', 'rate_limit_exceeded', 'conversation_locked']);

interface Said {
  readonly path: string;
  readonly body: object;
  readonly verdict: Verdict['verdict'];
}

/** @returns whether it was heard @throws ConnectionCut, AnswerLate */
export async function answerApproval(
  load: Load,
  endpoint: Endpoint,
  of: AgentRecord,
  action: Action,
  mayBeGone: boolean,
): Promise<boolean> {
  const { violations } = load;
  const { approval_id: approval } = action;
  const known = of.verdicts.get(approval);
  if (known !== undefined && known.yes > 0) {
    // The view may be older than the answer: it is looked at again, and then it must not wait any more.
    await pause(LOOK_MS);
    if (await stillWaits(endpoint, of, approval))
      violations.add('L7', 'an approval that was answered waits again', `${of.id} ${approval}`);
    return false;
  }
  if (of.reviewed && action.type === 'perdure.approval_request')
    violations.add('L7', 'people were asked what a model decides', `${of.id} ${approval}`);
  checkArguments(load, of, action);
  const said = known === undefined ? choose(load, action) : again(known, action);
  const verdict: Verdict = known ?? { approval, session: of.id, verdict: said.verdict, yes: 0, unknown: 0 };
  of.verdicts.set(approval, verdict);
  const tries = load.random.chance(0.5) ? 2 : 1;
  const answers = await Promise.allSettled(Array.from({ length: tries }, () => say(endpoint, approval, said)));
  let cut: Error | null = null;
  for (const answer of answers) {
    if (answer.status === 'rejected') {
      verdict.unknown += 1;
      cut = answer.reason instanceof Error ? answer.reason : new ConnectionCut('cut');
      continue;
    }
    const { status, code, text } = answer.value;
    if (status === 200) verdict.yes += 1;
    else if (code === 'approval_not_open' || AGAIN.has(code) || (mayBeGone && status === 404)) continue;
    else
      violations.add(
        'L7',
        `an answer to an approval was answered ${status} ${code}`,
        `${of.id} ${approval}: ${text.slice(0, 200)}`,
      );
  }
  if (verdict.yes > 1)
    violations.add('L7', 'an approval was answered twice', `${of.id} ${approval}: ${verdict.yes} times`);
  if (cut !== null) throw cut;
  return verdict.yes > 0;
}

/** What is to run is what the model was asked to call. */
function checkArguments(
  { violations }: Load,
  of: AgentRecord,
  { arguments: given, approval_id: approval }: Action,
): void {
  const { ticket } = (given ?? {}) as { readonly ticket?: unknown };
  const wanted = of.calls.get(String(ticket));
  if (wanted !== JSON.stringify(given))
    violations.add(
      'L7',
      'an approval shows other arguments',
      `${of.id} ${approval}: ${JSON.stringify(given)}, not ${wanted}`,
    );
}

function choose(load: Load, action: Action): Said {
  const { random, ledger } = load;
  if (action.type === 'perdure.outcome_unknown') {
    ledger.agents.unknownOutcomes += 1;
    const outcome = random.pick(['run_again', 'give_up', 'completed']);
    const body = outcome === 'completed' ? { outcome, output: 'It had done its work.' } : { outcome };
    return { path: 'resolve', body, verdict: outcome === 'give_up' ? 'denied' : 'granted' };
  }
  if (random.chance(0.7)) {
    ledger.agents.granted += 1;
    return { path: 'grant', body: {}, verdict: 'granted' };
  }
  ledger.agents.denied += 1;
  return { path: 'deny', body: { reason: 'Not today.' }, verdict: 'denied' };
}

/** The same as before: nobody knows whether it was heard. */
function again({ verdict }: Verdict, action: Action): Said {
  if (action.type === 'perdure.outcome_unknown')
    return { path: 'resolve', body: { outcome: verdict === 'granted' ? 'run_again' : 'give_up' }, verdict };
  return verdict === 'granted'
    ? { path: 'grant', body: {}, verdict }
    : { path: 'deny', body: { reason: 'No.' }, verdict };
}

async function say(
  endpoint: Endpoint,
  approval: string,
  { path, body }: Said,
): Promise<{ readonly status: number; readonly code: string; readonly text: string }> {
  const answer = await send(endpoint, {
    method: 'POST',
    path: `/perdure/v1/approvals/${approval}/${path}`,
    body: JSON.stringify(body),
  });
  return { status: answer.status, code: codeOf(answer), text: answer.text };
}

async function stillWaits(endpoint: Endpoint, of: AgentRecord, approval: string): Promise<boolean> {
  const answer = await send(endpoint, { method: 'GET', path: `/v1/agents/sessions/${of.id}` });
  const actions = (fieldsOf(answer.text)['required_actions'] ?? []) as readonly Action[];
  return actions.some(action => action.approval_id === approval);
}
