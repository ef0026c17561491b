/** A run: a server of its own, some things that must survive, and many senders at once. */
import * as fc from 'fast-check';
import type { FileKey } from '../../packages/server/src/main/config/file-form.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';
import { type Ids, type Input, inputs, repro, resolved } from './input.ts';
import { breach, nameOf } from './law.ts';
import { endpointsOf, PROMPT } from './routes.ts';
import { openSender, type Outcome, type Sender } from './send.ts';

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  readonly senders: number;
  /** Draws no more after so many; 0: until all are sent. */
  readonly minutes: number;
  /** Of one input. On a machine that does much else, time passes. */
  readonly deadlineMs: number;
  readonly progress: (line: string) => void;
  /** For tests of the harness: what came back, before it is judged. */
  readonly seen?: (outcome: Outcome) => Outcome;
}

export interface FuzzReport {
  readonly runs: number;
  readonly seed: number;
  readonly ms: number;
  readonly endpoints: number;
  /** Whether frames of WebSockets were sent. */
  readonly sockets: boolean;
  /** How often each status and code came. */
  readonly outcomes: { readonly [name: string]: number };
  /** What the emulated model refused and the server had let through: one input for each message, the first few. */
  readonly passedOn: { readonly [message: string]: string };
  /** What the server told its operator, of what went wrong inside; the first few. */
  readonly notes: readonly string[];
  /** Shrunk, one a sender at most. */
  readonly failures: readonly { readonly what: string; readonly repro: string }[];
}

const SECRET = (name: string): string => `secret-of-${name}-0000`;
const key = (name: string, tenant: string, scopes: FileKey['scopes']): FileKey => ({
  name,
  tenant,
  secret: SECRET(name),
  ...(scopes !== undefined && { scopes }),
});
const KEYS = [
  key('caller', 'acme', ['inference', 'read']),
  key('admin', 'acme', ['admin']),
  key('operator', 'house', ['operator']),
  key('auditor', 'house', ['auditor']),
];
/** Looked at again after so many inputs. */
const CANARY_EVERY = 1_000;
/** What inputs name may be deleted by other inputs: made anew after so many. */
const FRESH_EVERY = 100;
/** Runs for as long as an input may come to cancel it, resume it or read it. */
const SLOW = 'Hello. [[first-token: 2000]]';
const PROGRESS_MS = 5_000;
const NOTES = 10;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const stack = await startStack({ clouds: ['aws'], config: { keys: KEYS, prompts: [PROMPT] } });
  try {
    return await runOn(stack, options);
  } finally {
    await stack.close();
  }
}

async function runOn(
  stack: Stack,
  { runs, seed, senders, minutes, deadlineMs, progress, seen }: FuzzOptions,
): Promise<FuzzReport> {
  const began = performance.now();
  const endpoints = await endpointsOf(stack.url);
  const canary = await plant(stack);
  let ids = await makeIds(stack);
  const sender = openSender(stack.url, SECRET('caller'), deadlineMs);
  const sockets = await hasSockets(sender);
  const outcomes = new Map<string, number>();
  const passedOn = new Map<string, string>();
  const failures: { what: string; repro: string }[] = [];
  let sent = 0;
  const one = async (drawnInput: Input): Promise<void> => {
    const input = resolved(drawnInput, ids);
    const came = await sender.send(input);
    const what = breach(seen?.(came) ?? came);
    const name = nameOf(came);
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    sent += 1;
    if (sent % FRESH_EVERY === 0) ids = await makeIds(stack);
    if (sent % CANARY_EVERY === 0) await canary();
    const refused = came.answers.find(answer => answer.status === 502);
    if (refused !== undefined && passedOn.size < NOTES) passedOn.set(refused.body, repro(input, stack.url));
    if (what !== null) throw new Error(what);
  };
  const timer = setInterval(
    () => progress(`${sent} of ${runs}, ${Math.round(sent / ((performance.now() - began) / 1000))}/s`),
    PROGRESS_MS,
  );
  const keys = { caller: SECRET('caller'), operator: SECRET('operator'), others: KEYS.map(({ name }) => SECRET(name)) };
  const drawn = inputs(endpoints, { parameters: Object.keys(ids), keys }, sockets);
  try {
    await Promise.all(
      Array.from({ length: senders }, async (_, index) => {
        const numRuns = Math.floor(runs / senders) + (index < runs % senders ? 1 : 0);
        if (numRuns === 0) return;
        const result = await fc.check(fc.asyncProperty(drawn, one), {
          numRuns,
          seed: seed + index,
          endOnFailure: false,
          ...(minutes > 0 && { interruptAfterTimeLimit: minutes * 60_000 }),
        });
        if (!result.failed) return;
        const [input] = result.counterexample ?? [];
        const error =
          result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
        failures.push({ what: error, repro: input === undefined ? '' : repro(resolved(input, ids), stack.url) });
      }),
    );
    await canary('and goes on');
  } finally {
    clearInterval(timer);
    sender.close();
  }
  const counted = Object.fromEntries([...outcomes].toSorted(([, a], [, b]) => b - a));
  const ms = Math.round(performance.now() - began);
  return {
    runs: sent,
    seed,
    ms,
    endpoints: endpoints.length,
    sockets,
    outcomes: counted,
    passedOn: Object.fromEntries(passedOn),
    notes: stack.notes.slice(0, NOTES),
    failures,
  };
}

interface Made {
  readonly id: string;
}

const call = async (stack: Stack, method: string, path: string, body?: unknown): Promise<string> => {
  const headers = { authorization: `Bearer ${SECRET('caller')}`, 'content-type': 'application/json' };
  const response = await fetch(`${stack.url}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 200)}`);
  return text;
};

/** A session and a conversation that nobody who fuzzes knows of. The function throws if they are not as they were. */
async function plant(stack: Stack): Promise<(last?: string) => Promise<void>> {
  const first = JSON.parse(
    await call(stack, 'POST', '/v1/responses', { model: MODEL, input: 'My dog is called Rex.' }),
  ) as Made;
  const content = 'My cat is called Tom.';
  const conversation = JSON.parse(
    await call(stack, 'POST', '/v1/conversations', { items: [{ role: 'user', content }] }),
  ) as Made;
  const paths = [
    `/v1/responses/${first.id}`,
    `/v1/responses/${first.id}/input_items`,
    `/v1/responses/${first.id}?stream=true`,
    `/v1/conversations/${conversation.id}/items`,
  ];
  const look = (): Promise<readonly string[]> => Promise.all(paths.map(path => call(stack, 'GET', path)));
  const before = await look();
  return async last => {
    const now = await look();
    const changed = paths.find((_, index) => now[index] !== before[index]);
    if (changed !== undefined) throw new Error(`the canary changed: ${changed}`);
    if (last === undefined) return;
    const body = { model: MODEL, input: 'What is my dog called?', previous_response_id: first.id };
    const answer = await call(stack, 'POST', '/v1/responses', body);
    if (!answer.includes('Rex')) throw new Error(`the canary forgot: ${answer.slice(0, 300)}`);
  };
}

async function makeIds(stack: Stack): Promise<Ids> {
  const make = async (path: string, body: unknown): Promise<string> =>
    (JSON.parse(await call(stack, 'POST', path, body)) as Made).id;
  const response = await make('/v1/responses', { model: MODEL, input: 'Hello.' });
  const running = await make('/v1/responses', { model: MODEL, input: SLOW, background: true });
  const conversation = await make('/v1/conversations', { items: [{ role: 'user', content: 'Hello.' }] });
  const listed = JSON.parse(await call(stack, 'GET', `/v1/conversations/${conversation}/items`)) as {
    readonly data: readonly Made[];
  };
  const vault = await make('/v1/vaults', { name: 'v' });
  await clearAgents(stack);
  const bearer = { type: 'static_bearer', mcp_server_url: 'https://a.example', token: 't' };
  return {
    agent_id: await make('/v1/agents', { model: MODEL }),
    version: '1',
    vault_id: vault,
    credential_id: await make(`/v1/vaults/${vault}/credentials`, { name: 'n', auth: bearer }),
    response_id: response,
    running_id: running,
    conversation_id: conversation,
    item_id: listed.data[0]?.id ?? '',
    file_id: await upload(stack),
    hold_id: await hold(stack, response),
    placement_id: `${response.replace('resp', 'plc')}01`,
    model: MODEL,
    model_id: MODEL,
    home: 'local',
  };
}

/** What inputs made of them: a tenant has room for so many, and a long run makes more. */
async function clearAgents(stack: Stack): Promise<void> {
  const { data } = JSON.parse(await call(stack, 'GET', '/v1/agents?limit=100')) as { readonly data: readonly Made[] };
  // Another may have been quicker.
  for (const { id } of data) await call(stack, 'DELETE', `/v1/agents/${id}`).catch(() => undefined);
}

async function upload(stack: Stack): Promise<string> {
  const body = new FormData();
  body.append('purpose', 'user_data');
  body.append('file', new Blob(['Rex is a dog.'], { type: 'text/plain' }), 'a.txt');
  const headers = { authorization: `Bearer ${SECRET('caller')}` };
  return madeBy(await fetch(`${stack.url}/v1/files`, { method: 'POST', headers, body }));
}

/** Holds are for those who operate. */
async function hold(stack: Stack, subject: string): Promise<string> {
  const headers = { authorization: `Bearer ${SECRET('operator')}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ tenant: 'acme', subject, reason: 'A case.' });
  return madeBy(await fetch(`${stack.url}/perdure/v1/holds`, { method: 'POST', headers, body }));
}

async function madeBy(response: Response): Promise<string> {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 200)}`);
  return (JSON.parse(text) as Made).id;
}

async function hasSockets(sender: Sender): Promise<boolean> {
  const { broken } = await sender.send({ kind: 'frames', frames: [] });
  return broken === null;
}
