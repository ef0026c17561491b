/**
 * Drives sessions of the Agents API: turns that talk, run tools of the server and of its own, ask people, are steered and cancelled; in the end
 * the session is read back whole, and often deleted. Its follower reads the events beside it.
 */
import { type AgentRecord, stableText } from './agent-ledger.ts';
import { answerApproval, type Action } from './agent-approvals.ts';
import { firstEvent, follow, followerClient } from './agent-follower.ts';
import { type AgentPost, postEvents } from './agent-posts.ts';
import { MODEL } from './chain.ts';
import type { Client } from './client.ts';
import { codeOf, type Endpoint, fieldsOf, send } from './http.ts';
import type { Json } from './ledger.ts';
import { type Load, pause } from './turns.ts';

const TURNS = { least: 2, most: 4 };
const DELETED = 0.4;
const LOOK_MS = 20;
/** ms without a change of a session that is at work, or of its follower. */
const PATIENCE_MS = 30_000;
/** ms from the beginning of a turn to its cancel. */
const CANCEL_MS = { least: 0, most: 250 };

const LOOK_UP = {
  type: 'function',
  name: 'look_up',
  description: 'Looks something up.',
  parameters: {
    type: 'object',
    properties: { ticket: { type: 'string' }, text: { type: 'string' } },
    required: ['ticket', 'text'],
  },
};

/** What a turn is about: the tools that its message names, and what is sent while it runs. */
const KINDS = {
  talk: { tools: [] },
  client: { tools: ['look_up'] },
  server: { tools: ['file_note', 'post_once'] },
  once: { tools: ['post_once'] },
  ask: { tools: ['transfer_sum'] },
  all: { tools: ['look_up', 'file_note', 'transfer_sum'] },
  steer: { tools: [], steers: true },
  cancel: { tools: ['file_note', 'post_once'], cancels: true },
} as const satisfies {
  readonly [kind: string]: { readonly tools: readonly string[]; readonly steers?: true; readonly cancels?: true };
};
type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as [Kind, ...Kind[]];

export function agentClients(load: Load, name: string): readonly Client[] {
  const { random, violations } = load;
  const { agents } = load.ledger;
  let record: AgentRecord | null = null;
  let left = 0;
  let kind: Kind = 'talk';
  /** Sent one after another, each until it is answered. */
  let posts: AgentPost[] = [];
  /** Calls whose results were sent. */
  const answered = new Set<string>();
  let steers = 0;
  let cancelAt: number | null = null;
  let since = Date.now();
  /** The server that it speaks with: the time without one is nobody's fault. */
  let life: Endpoint | null = null;

  /** A message for the turn, with a word of its own and one for each call. */
  function message(
    of: AgentRecord | null,
    tools: readonly string[],
  ): { readonly marker: string; readonly text: string; readonly calls: readonly (readonly [string, string])[] } {
    const marker = random.word(12);
    const calls = tools.map(tool => {
      const ticket = random.word(14);
      const words = Array.from({ length: random.between(2, 12) }, () => random.word(5)).join(' ');
      return [ticket, JSON.stringify({ ticket, text: words }), tool] as const;
    });
    const asked = calls.map(([, args, tool]) => `${tool} ${args}`).join(' and ');
    const filler = tools.length === 0 ? ` [[words: ${random.between(20, 90)}]]` : '';
    for (const [ticket, args] of calls) of?.calls.set(ticket, args);
    return {
      marker,
      text: `Ticket ${marker}. ${asked === '' ? '' : `Please do ${asked}`}${filler}`,
      calls: calls.map(([ticket, args]) => [ticket, args] as const),
    };
  }

  function chooseKind(): void {
    kind = random.pick(NAMES);
    const { steers: steered, cancels } = { steers: false, cancels: false, ...KINDS[kind] };
    steers = steered ? random.between(1, 2) : 0;
    cancelAt = cancels ? Date.now() + random.between(CANCEL_MS.least, CANCEL_MS.most) : null;
    since = Date.now();
    agents.count(kind);
  }

  async function begin(endpoint: Endpoint): Promise<void> {
    chooseKind();
    const { marker, text, calls } = message(null, KINDS[kind].tools);
    const body = JSON.stringify({
      agent: { model: MODEL, tools: [LOOK_UP] },
      environment: { type: 'none' },
      metadata: { client: name },
      input: text,
    });
    const answer = await send(endpoint, { method: 'POST', path: '/v1/agents/sessions', body });
    if (answer.status !== 200) {
      violations.add(
        'liveness',
        `a session was answered ${answer.status} ${codeOf(answer)}`,
        answer.text.slice(0, 300),
      );
      return pause(LOOK_MS);
    }
    record = agents.begin(name, String(fieldsOf(answer.text)['id']));
    record.inputs.push({ marker, acknowledged: true });
    for (const [ticket, args] of calls) record.calls.set(ticket, args);
    left = random.between(TURNS.least, TURNS.most) - 1;
    answered.clear();
    posts = [];
  }

  function say(of: AgentRecord, tools: readonly string[]): void {
    const { marker, text } = message(of, tools);
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
        posts.push({ key, body: JSON.stringify({ events }), input: null, mayBeLate: cancelAt !== null });
      }
    }
    return approvals;
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
    if (session['status'] !== 'requires_action' && actions.length > 0)
      violations.add('L2', 'a session that does not wait has required actions', `${of.id} ${JSON.stringify(actions)}`);
    switch (session['status']) {
      case 'in_progress':
        return atWork(of);
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
      return say(of, random.chance(0.5) ? ['file_note'] : []);
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
      if (await answerApproval(load, endpoint, of, action, cancelAt !== null)) since = Date.now();
    stuck(of, 'waiting');
    if (approvals.length === 0) await pause(LOOK_MS);
  }

  async function rests(endpoint: Endpoint, of: AgentRecord): Promise<void> {
    steers = 0;
    if (left > 0 && !load.stage.resting) {
      left -= 1;
      chooseKind();
      return say(of, KINDS[kind].tools);
    }
    await readWhole(endpoint, of);
    if (!random.chance(DELETED)) {
      of.life = 'kept';
      record = null;
      return;
    }
    of.life = 'deleting';
    return remove(endpoint, of);
  }

  /** Items, and events against what its follower was shown. */
  async function readWhole(endpoint: Endpoint, of: AgentRecord): Promise<void> {
    const turns = await list(endpoint, `/v1/agents/sessions/${of.id}/turns`);
    await compareItems(load, endpoint, of, turns);
    const all: { readonly id: string; readonly type: string; readonly data: string }[] = [];
    let idle = 0;
    const until = Date.now() + PATIENCE_MS;
    const status = await follow(endpoint, of.id, {
      lastEvent: firstEvent(of.id),
      over: () => idle >= turns.length || Date.now() > until,
      onEvent(event) {
        all.push(event);
        if (event.type === 'agent.session.idle') idle += 1;
      },
    });
    if (idle < turns.length)
      violations.add(
        'L2',
        'the events of a session do not come to their end',
        `${of.id}: ${status}, ${idle} of ${turns.length} turns`,
      );
    while (of.shown.length < all.length && Date.now() < until) {
      // It is cut like everybody else: then it comes back with the next life.
      if (load.stage.now !== endpoint) return look(await nextOf(endpoint), of);
      await pause(LOOK_MS);
    }
    for (let at = 0; at < Math.max(all.length, of.shown.length); at++) {
      const [told, again] = [of.shown[at], all[at]];
      const same =
        told !== undefined && again !== undefined && told.id === again.id && stableText(told) === stableText(again);
      if (same) continue;
      const detail = `${of.id}: event ${at} of ${of.shown.length}/${all.length}: ${JSON.stringify(told)?.slice(0, 300)} is ${JSON.stringify(again)?.slice(0, 300)}`;
      violations.add('L2', 'the events of a session are others when read again', detail);
      return;
    }
  }

  async function nextOf(endpoint: Endpoint): Promise<Endpoint> {
    return (await load.stage.endpoint(endpoint)) ?? endpoint;
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
    busy: () => record !== null,
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
  return [driver, followerClient(load, `${name}-follower`, () => (record?.life === 'open' ? record : null))];

  async function list(endpoint: Endpoint, path: string): Promise<readonly Json[]> {
    return listAll(load, endpoint, path);
  }
}

async function listAll(load: Load, endpoint: Endpoint, path: string): Promise<readonly Json[]> {
  const all: Json[] = [];
  for (let after = ''; ; ) {
    const answer = await send(endpoint, { method: 'GET', path: `${path}?order=asc&limit=100${after}` });
    if (answer.status !== 200) {
      load.violations.add('L2', `a list was answered ${answer.status}`, path);
      return all;
    }
    const page = fieldsOf(answer.text);
    all.push(...((page['data'] ?? []) as Json[]));
    if (page['has_more'] !== true) return all;
    after = `&after=${String(page['last_id'])}`;
  }
}

/** Every acknowledged input once, every item once, every call with one output where its turn was completed. */
async function compareItems(load: Load, endpoint: Endpoint, of: AgentRecord, turns: readonly Json[]): Promise<void> {
  const { violations } = load;
  const items = await listAll(load, endpoint, `/v1/agents/sessions/${of.id}/items`);
  const ids = items.map(item => String(item['id']));
  if (new Set(ids).size !== ids.length) violations.add('L2', 'an item of a session is there twice', of.id);
  const said = items.filter(item => item['role'] === 'user').map(item => JSON.stringify(item['content']));
  for (const input of of.inputs) {
    const times = said.filter(text => text.includes(input.marker)).length;
    if (times !== 1 && input.acknowledged)
      violations.add(
        'L2',
        'an acknowledged input of a session is not there once',
        `${of.id} ${input.marker}: ${times} times`,
      );
  }
  const completed = new Set(turns.filter(turn => turn['status'] === 'completed').map(turn => turn['id']));
  for (const turn of turns) {
    if (['completed', 'cancelled', 'failed'].includes(String(turn['status']))) continue;
    violations.add(
      'liveness',
      `the turn of an idle session is ${String(turn['status'])}`,
      `${of.id} ${String(turn['id'])}`,
    );
  }
  for (const item of items) {
    if (item['type'] !== 'function_call' || !completed.has(item['turn_id'])) continue;
    const outputs = items.filter(one => one['type'] === 'function_call_output' && one['call_id'] === item['call_id']);
    if (outputs.length !== 1)
      violations.add(
        'L6',
        'a call has more or less than one output',
        `${of.id} ${String(item['call_id'])}: ${outputs.length}`,
      );
  }
}
