/**
 * Drives sessions of the Agents API: turns that talk, run tools of the server and of its own, have programs and sub-agents run them, ask people or a
 * reviewer, are steered and cancelled; in the end the session is read back whole, and often deleted. Its follower reads the events beside it.
 */
import type { AgentRecord } from './agent-ledger.ts';
import { answerApproval, type Action } from './agent-approvals.ts';
import { followerClient } from './agent-follower.ts';
import { chooseKind, type Message, messageFor, type Sort, sessionOf } from './agent-kinds.ts';
import { type AgentPost, postEvents } from './agent-posts.ts';
import { compareAll, isAtRest, readFamily } from './agent-reading.ts';
import type { Client } from './client.ts';
import { codeOf, type Endpoint, fieldsOf, send } from './http.ts';
import { type Load, PATIENT, pause } from './turns.ts';

const TURNS = { least: 2, most: 4 };
const DELETED = 0.4;
/** Share of the sessions with programs or sub-agents whose calls a model reviews. */
const REVIEWED = 0.3;
const LOOK_MS = 20;
/** ms without a change of a session that is at work, or of its follower. */
const PATIENCE_MS = 30_000;
/** ms from the beginning of a turn to its cancel. */
const CANCEL_MS = { least: 0, most: 250 };

/** A session that is to be begun: asked for under its key until it is answered. */
interface Beginning {
  readonly key: string;
  readonly body: string;
  readonly reviewed: boolean;
  readonly message: Message;
}

export function agentClients(load: Load, name: string, sort: Sort): readonly Client[] {
  const { random, violations } = load;
  const { agents } = load.ledger;
  let record: AgentRecord | null = null;
  let beginning: Beginning | null = null;
  let left = 0;
  let kind = chooseKind(random, sort);
  /** Sent one after another, each until it is answered. */
  let posts: AgentPost[] = [];
  /** Calls whose results were sent. */
  const answered = new Set<string>();
  let steers = 0;
  let cancelAt: number | null = null;
  let since = Date.now();
  /** The server that it speaks with: the time without one is nobody's fault. */
  let life: Endpoint | null = null;

  function beginTurn(): void {
    kind = chooseKind(random, sort);
    steers = kind.steers === true ? random.between(1, 2) : 0;
    cancelAt = kind.cancels === true ? Date.now() + random.between(CANCEL_MS.least, CANCEL_MS.most) : null;
    since = Date.now();
    agents.count(kind.name);
  }

  function newBeginning(): Beginning {
    beginTurn();
    const message = messageFor(random, kind);
    const reviewed = sort === 'reviewed' || (sort !== 'plain' && random.chance(REVIEWED));
    const body = JSON.stringify({ ...sessionOf(sort, reviewed), metadata: { client: name }, input: message.text });
    return { key: `${name}-begins-${message.marker}`, body, reviewed, message };
  }

  async function begin(endpoint: Endpoint): Promise<void> {
    beginning ??= newBeginning();
    const { key, body, reviewed, message } = beginning;
    const headers = { 'idempotency-key': key };
    const answer = await send(endpoint, { method: 'POST', path: '/v1/agents/sessions', body, headers });
    if (answer.status !== 200) {
      const code = codeOf(answer);
      if (PATIENT.has(code) && Date.now() < since + PATIENCE_MS) return pause(LOOK_MS);
      violations.add('liveness', `a session was answered ${answer.status} ${code}`, answer.text.slice(0, 300));
      beginning = null;
      return pause(LOOK_MS);
    }
    beginning = null;
    since = Date.now();
    const id = String(fieldsOf(answer.text)['id']);
    record = agents.begin({ client: name, id, family: sort === 'family', reviewed });
    record.inputs.push({ marker: message.marker, acknowledged: true });
    for (const [ticket, args] of message.calls) record.calls.set(ticket, args);
    left = random.between(TURNS.least, TURNS.most) - 1;
    answered.clear();
    posts = [];
  }

  function say(of: AgentRecord, { marker, text, calls }: Message): void {
    for (const [ticket, args] of calls) of.calls.set(ticket, args);
    const input = { marker, acknowledged: false };
    of.inputs.push(input);
    const events = [
      { type: 'agent.session.input.message', input: [{ role: 'user', content: [{ type: 'input_text', text }] }] },
    ];
    posts.push({ key: `${name}-${marker}`, body: JSON.stringify({ events }), input, mayBeLate: false });
  }

  function actOn(of: AgentRecord, actions: readonly Action[]): readonly Action[] {
    const approvals: Action[] = [];
    for (const action of actions) {
      if (action.type !== 'function_call') approvals.push(action);
      else if (!answered.has(action.call_id)) {
        answered.add(action.call_id);
        const output = `looked up ${action.call_id}`;
        const { turn_id, call_id } = action;
        const events = [{ type: 'agent.session.input.tool_result', turn_id, call_id, success: true, output }];
        const key = `${name}-${of.id}-${call_id}`;
        posts.push({ key, body: JSON.stringify({ events }), input: null, mayBeLate: mayBeGone(of) });
      }
    }
    return approvals;
  }

  /** Its turn may end while it waits: it is cancelled, or its sub-agent is closed. */
  function mayBeGone({ family }: AgentRecord): boolean {
    return cancelAt !== null || family;
  }

  async function look(endpoint: Endpoint, of: AgentRecord): Promise<void> {
    const answer = await send(endpoint, { method: 'GET', path: `/v1/agents/sessions/${of.id}` });
    if (answer.status !== 200) {
      violations.add('L2', `an acknowledged session was answered ${answer.status}`, `${name} ${of.id}`);
      record = null;
      return;
    }
    const session = fieldsOf(answer.text);
    const actions = (session['required_actions'] ?? []) as readonly Action[];
    // What its sub-agents wait for it shows while it works, too.
    if (session['status'] !== 'requires_action' && actions.length > 0 && !of.family)
      violations.add('L2', 'a session that does not wait has required actions', `${of.id} ${JSON.stringify(actions)}`);
    switch (session['status']) {
      case 'in_progress':
        return actions.length > 0 ? waits(endpoint, of, actions) : atWork(of);
      case 'requires_action':
        return waits(endpoint, of, actions);
      case 'idle':
        return rests(endpoint, of);
      default:
        violations.add('liveness', `a session is ${String(session['status'])}`, of.id);
        record = null;
    }
  }

  async function atWork(of: AgentRecord): Promise<void> {
    if (cancelAt !== null && Date.now() >= cancelAt) {
      cancelAt = Date.now() + PATIENCE_MS;
      posts.push(cancelPost(of));
      return;
    }
    if (steers > 0) {
      steers -= 1;
      return say(of, messageFor(random, random.chance(0.5) ? { tools: ['file_note'] } : {}));
    }
    stuck(of, 'at work');
    await pause(LOOK_MS);
  }

  function cancelPost(of: AgentRecord): AgentPost {
    const body = JSON.stringify({ events: [{ type: 'agent.session.input.cancel' }] });
    return { key: `${name}-${of.id}-cancel-${of.inputs.length}`, body, input: null, mayBeLate: true };
  }

  function stuck(of: AgentRecord, what: string): void {
    if (Date.now() < since + PATIENCE_MS) return;
    violations.add('liveness', `a session stays ${what}`, `${name} ${of.id}`);
    since = Date.now();
    record = null;
  }

  async function waits(endpoint: Endpoint, of: AgentRecord, actions: readonly Action[]): Promise<void> {
    if (actions.length === 0) violations.add('liveness', 'a session waits for nothing', `${name} ${of.id}`);
    // One that waits for people is cancelled now and then.
    if (cancelAt !== null && Date.now() >= cancelAt && random.chance(0.5)) {
      cancelAt = Date.now() + PATIENCE_MS;
      posts.push(cancelPost(of));
      return;
    }
    const approvals = actOn(of, actions);
    for (const action of approvals)
      if (await answerApproval(load, endpoint, of, action, mayBeGone(of))) since = Date.now();
    stuck(of, 'waiting');
    if (approvals.length === 0) await pause(LOOK_MS);
  }

  async function rests(endpoint: Endpoint, of: AgentRecord): Promise<void> {
    steers = 0;
    const read = await readFamily(load, endpoint, of);
    if (!isAtRest(read)) {
      stuck(of, 'at work below');
      return pause(LOOK_MS);
    }
    if (left > 0 && !load.stage.resting) {
      left -= 1;
      beginTurn();
      return say(of, messageFor(random, kind));
    }
    await compareAll(load, endpoint, of, read);
    if (!random.chance(DELETED)) {
      of.life = 'kept';
      record = null;
      return;
    }
    of.life = 'deleting';
    return remove(endpoint, of);
  }

  async function remove(endpoint: Endpoint, of: AgentRecord): Promise<void> {
    const answer = await send(endpoint, { method: 'DELETE', path: `/v1/agents/sessions/${of.id}` });
    if (answer.status !== 200 && answer.status !== 404) {
      violations.add('liveness', `a deletion was answered ${answer.status} ${codeOf(answer)}`, of.id);
    }
    of.life = 'deleted';
    const gone = await send(endpoint, { method: 'GET', path: `/v1/agents/sessions/${of.id}` });
    if (gone.status !== 404) violations.add('L2', 'a deleted session is there', `${of.id}: ${gone.status}`);
    record = null;
  }

  const driver: Client = {
    name,
    busy: () => record !== null || beginning !== null,
    async step(endpoint) {
      if (life !== endpoint) since = Date.now();
      life = endpoint;
      if (record === null) return begin(endpoint);
      // The look whether it is gone may have been cut, too.
      if (record.life === 'deleting' || record.life === 'deleted') return remove(endpoint, record);
      const [post] = posts;
      if (post === undefined) return look(endpoint, record);
      await postEvents(load, endpoint, record, post);
      posts.shift();
      since = Date.now();
    },
  };
  return [driver, followerClient(load, driver, () => (record?.life === 'open' ? record : null))];
}
