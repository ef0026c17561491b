/** `perdure explain`: from flags to a hypothetical call, and its decision as a table or JSON. */
import { DESTINATION_USES, knownHint, RIGHT_STATES, TOOL_ORIGINS } from '@perdure/protocol';
import { id as rightId } from '../contract/manifest-words.ts';
import { VOCABULARY } from '../contract/schema.ts';
import type { HomeId } from '../kernel/ids.ts';
import type { Purpose, Segment, Spend } from '../placement/facts.ts';
import { openSqliteReader } from '../store/sqlite/open-sqlite-reader.ts';
import { basisJson, basisOf, basisText } from './basis.ts';
import { eventOption } from './cli/event.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { contractsOption } from './contracts-option.ts';
import { momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import * as defaults from './config/defaults.ts';
import { configured } from './configured.ts';
import { readContractFolder } from './contracts.ts';
import { configWith } from './discover.ts';
import { EMULATED_CLOUDS, emulatedTargets } from './discover/emulated-targets.ts';
import {
  type Asked,
  asksForSpend,
  explainHypothetical,
  type HypotheticalCall,
  type SupposedNow,
  supposing,
  UnknownFact,
} from './explain.ts';
import { type Asker, type AskerGiven, askerOf } from './explain-asker.ts';
import { knownBeside } from './explain-known.ts';
import { callJson, explanationJson, textOf } from './explain-text.ts';
import { askerText } from './placement-asker.ts';
import { serverAddress } from './server-address.ts';
import { serverOf } from './server-requests.ts';
import { snapshotOfDocument } from './snapshots.ts';

export interface ExplainOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly model?: string;
  readonly product?: string;
  readonly channel?: string;
  readonly segment?: string;
  readonly tenant?: string;
  readonly key?: string;
  readonly scopes?: string;
  readonly agent?: string;
  readonly stored?: boolean;
  readonly stateless?: boolean;
  readonly purpose?: string;
  readonly label?: readonly string[];
  readonly requestLabel?: readonly string[];
  readonly action?: string;
  readonly tool?: string;
  readonly destination?: string;
  readonly right?: readonly string[];
  readonly asOf?: string;
  readonly reading?: string;
  readonly contracts?: readonly string[];
  readonly event?: readonly string[];
  readonly spend?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

const DEFAULT_TOKENS = 1000;

/** A recorded placement, from the server that keeps it. */
async function explainRecorded(id: string, options: ExplainOptions, io: Io): Promise<ExitCode> {
  const { config } = await configured(options, io, async () => emulatedConfig(io));
  const { client, telling } = serverOf(io, {
    base: await serverAddress(config, io),
    data: config.data,
    scope: 'read, auditor or operator',
    held: false,
  });
  const placement = await telling(
    client.placements.get(id, options.tenant === undefined ? {} : { tenant: options.tenant }),
  );
  if (options.json === true) printJson(io, placement);
  else {
    const { usage, call, created_at: created, session } = placement;
    const tokens = usage === null ? '' : `, ${usage.input} tokens in, ${usage.output} out`;
    const remedies = placement.conflict?.remedies ?? [];
    io.out(
      `${id}: ${placement.purpose} of ${session}, recorded ${new Date(created * 1000).toISOString()}, ${call.status}${tokens}\n${askerText(placement)}\n${placement.explanation}\n`,
    );
    if (remedies.length > 0) io.out(`\none change would free it:\n${remedies.map(one => `  ${one}\n`).join('')}`);
  }
  return EXIT.ok;
}

export async function explain(id: string | undefined, options: ExplainOptions, io: Io): Promise<ExitCode> {
  if (id !== undefined) return explainRecorded(id, options, io);
  const { config, file } = await configured(options, io, async () => emulatedConfig(io));
  if (file === null) io.err('perdure: no configuration file: decided over the three emulated clouds\n');
  const asker = await telling(() => askerFrom(options, config));
  for (const warning of asker.warnings) io.err(`perdure: ${warning}\n`);
  const call = callFrom(options, config, asker);
  const given = spendFrom(options.spend);
  const what = supposedFrom(options, call.at);
  const basis = await basisOf(config, call.at);
  const contracts = contractsOption('perdure explain', options.contracts, io.cwd)?.map(readContractFolder);
  const document = supposing({ ...basis.document, ...(contracts !== undefined && { contracts }) }, what);
  const loaded = snapshotOfDocument(document);
  const known = await knownBeside(config, io, {
    tenant: call.tenant,
    spend: given,
    asked: asksForSpend(loaded.contracts),
    activation: basis.active?.activation.id ?? null,
  });
  const supposed = contracts !== undefined;
  // Where all was named and nothing is in force, there is nothing to tell.
  if (!supposed || basis.active !== null) io.err(`perdure: ${basisText(basis, supposed)}\n`);
  for (const line of known.said) io.err(`perdure: ${line}\n`);
  const explanation = await telling(() => explainHypothetical(config, loaded, call, known));
  for (const warning of explanation.warnings) io.err(`${warning}\n`);
  if (options.json === true)
    printJson(io, {
      object: 'perdure.explanation',
      basis: { ...basisJson(basis), known: known.said },
      call: callJson(call, document, known),
      ...explanationJson(explanation),
    });
  else io.out(textOf(explanation));
  const { state, infer, run } = explanation;
  return [state, infer, run].every(one => one === null || one.outcome === 'placed') ? EXIT.ok : EXIT.refused;
}

async function telling<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnknownFact) usage(error.message);
    throw error;
  }
}

/** Looked up in the file of the folder, beside a server that may be running. */
async function askerFrom({ key, scopes, agent, tenant }: ExplainOptions, config: Config): Promise<Asker> {
  if (scopes !== undefined && key === undefined) usage('--scopes are those of a --key');
  const given: AskerGiven = {
    ...(key !== undefined && { key }),
    ...(scopes !== undefined && { scopes: scopes.split(',').flatMap(one => one.trim() || []) }),
    ...(agent !== undefined && { agent: agentFrom(agent) }),
  };
  const asks = key !== undefined || agent !== undefined;
  const store = asks ? await openSqliteReader(config.data, (config.homes[0]?.id ?? '') as HomeId, Date.now()) : null;
  try {
    return await askerOf(config, store, given, tenant ?? null, defaults.DEFAULT_TENANT);
  } finally {
    await store?.close();
  }
}

/** `agent_1@3`; the version may be left out. */
function agentFrom(text: string): NonNullable<AskerGiven['agent']> {
  const [, id, version] = /^(.+)@([1-9]\d{0,8})$/.exec(text) ?? [];
  return id === undefined ? { id: text } : { id, version: Number(version) };
}

/** Addresses that nobody calls: only where the clouds are counts. */
function emulatedConfig(io: Io): Config {
  const clouds = Object.fromEntries(EMULATED_CLOUDS.map(cloud => [cloud, `http://127.0.0.1/${cloud}/v1`]));
  return configWith(emulatedTargets(clouds), io.cwd);
}

function supposedFrom({ reading, event = [], right = [] }: ExplainOptions, at: number): SupposedNow {
  return {
    reading: reading ?? null,
    events: event.map(text => ({ ...eventOption('perdure explain', text), source: 'supposed' })),
    rights: right.map(rightFrom),
    at,
  };
}

function rightFrom(text: string): SupposedNow['rights'][number] {
  const at = text.indexOf('=');
  const id = rightId.safeParse(text.slice(0, Math.max(at, 0)));
  const state = RIGHT_STATES.find(one => one === text.slice(at + 1));
  if (id.success && state !== undefined) return { id: id.data, state };
  return usage(`--right takes an id and a state (${RIGHT_STATES.join(', ')}), as rofr=declined, not "${text}"`);
}

/** `web:example.com`; the first word may be left out. */
function prefixed<Word extends string>(text: string, words: readonly Word[], fallback: Word): readonly [Word, string] {
  const at = text.indexOf(':');
  const word = words.find(one => one === text.slice(0, Math.max(at, 0)));
  return word === undefined ? [fallback, text] : [word, text.slice(at + 1)];
}

function askedFrom({ action = 'infer', tool, destination }: ExplainOptions): Asked {
  if (action !== 'execute' && tool !== undefined) usage('--tool is for --action execute');
  if (action !== 'egress' && destination !== undefined) usage('--destination is for --action egress');
  switch (action) {
    case 'infer':
      return { action };
    case 'execute': {
      const [origin, name] = prefixed(tool ?? usage('--action execute wants a --tool'), TOOL_ORIGINS, 'builtin');
      return { action, tool: { name, origin } };
    }
    case 'egress': {
      const to = destination ?? usage('--action egress wants a --destination');
      const [use, host] = prefixed(to, DESTINATION_USES, 'web');
      return { action, destination: { host, use } };
    }
    default:
      return usage(`there is no action "${action}" to explain (there are: infer, execute, egress)`);
  }
}

const MICRO = 1_000_000;
/** Digits of an amount that stays exact in micro-USD. */
const SPEND = /^(\d{1,9})\/(\d{1,9})$/;

function spendFrom(text: string | undefined): Spend | null {
  if (text === undefined) return null;
  const [, month, total] = SPEND.exec(text) ?? [];
  if (month === undefined || total === undefined)
    return usage(`--spend takes whole US dollars of the month and in total, as 120/900, not "${text}"`);
  return { month: Number(month) * MICRO, total: Number(total) * MICRO };
}

function callFrom(options: ExplainOptions, config: Config, { of, principal, agent }: Asker): HypotheticalCall {
  if (options.stored === true && options.stateless === true) usage('--stored and --stateless exclude each other');
  return {
    asked: askedFrom(options),
    tenant: options.tenant ?? of?.tenant ?? defaults.DEFAULT_TENANT,
    model: options.model ?? config.targets[0]?.model ?? '',
    product: options.product ?? of?.product ?? defaults.DEFAULT_PRODUCT,
    channel: options.channel ?? of?.channel ?? defaults.DEFAULT_CHANNEL,
    segment: oneOf('segment', options.segment ?? of?.segment ?? defaults.DEFAULT_SEGMENT) as Segment,
    stateHeld: options.stateless !== true,
    purpose: oneOf('purpose', options.purpose ?? 'turn') as Purpose,
    labels: options.label ?? [],
    requestLabels: options.requestLabel ?? [],
    at: momentOption('perdure explain', '--as-of', options.asOf) ?? config.asOf?.ms ?? Date.now(),
    inputTokens: options.inputTokens ?? DEFAULT_TOKENS,
    outputTokens: options.outputTokens ?? DEFAULT_TOKENS,
    agent,
    principal,
  };
}

function oneOf(name: 'segment' | 'purpose', given: string): string {
  const known = VOCABULARY[name] ?? [];
  if (known.includes(given)) return given;
  return usage(`there is no ${name} "${given}" (${knownHint(given, known)})`);
}

function usage(message: string): never {
  throw new CliError(EXIT.usage, `perdure explain: ${message}`);
}
