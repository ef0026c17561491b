/** `perdure explain`: from flags to a hypothetical call, and its decision as a table or JSON. */
import { didYouMean } from '../contract/finding.ts';
import { VOCABULARY } from '../contract/schema.ts';
import type { Decision } from '../placement/decision.ts';
import { explainTable } from '../placement/explain.ts';
import type { Purpose, RecordedEvent, Segment, Spend } from '../placement/facts.ts';
import { type Freeing, freeingText } from '../placement/free.ts';
import { eventOption } from './cli/event.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import * as defaults from './config/defaults.ts';
import { configured } from './configured.ts';
import { basisJson, basisOf, basisText } from './basis.ts';
import { contractFolder, readContractFolder } from './contracts.ts';
import { configWith } from './discover.ts';
import { EMULATED_CLOUDS, emulatedTargets } from './discover/emulated-targets.ts';
import { type Explanation, explainHypothetical, type HypotheticalCall, UnknownFact } from './explain.ts';
import { askerText } from './placement-asker.ts';
import { serverOf } from './server-requests.ts';
import { type SnapshotDocument, snapshotOfDocument } from './snapshots.ts';

export interface ExplainOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly model?: string;
  readonly product?: string;
  readonly channel?: string;
  readonly segment?: string;
  readonly tenant?: string;
  readonly stored?: boolean;
  readonly stateless?: boolean;
  readonly purpose?: string;
  readonly label?: readonly string[];
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
  const { client, telling } = serverOf(config, io, { scope: 'read or auditor', held: false });
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
  const call = callFrom(options, config);
  const basis = await basisOf(config, call.at);
  const document = supposing(basis.document, options, io);
  const supposed = options.contracts !== undefined;
  // Where all was named and nothing is in force, there is nothing to tell.
  if (!supposed || basis.active !== null) io.err(`perdure: ${basisText(basis, supposed)}\n`);
  let explanation: Explanation;
  try {
    explanation = explainHypothetical(config, snapshotOfDocument(document), call);
  } catch (error) {
    if (error instanceof UnknownFact) throw new CliError(EXIT.usage, `perdure explain: ${error.message}`);
    throw error;
  }
  for (const warning of explanation.warnings) io.err(`${warning}\n`);
  if (options.json === true)
    printJson(io, {
      object: 'perdure.explanation',
      basis: basisJson(basis),
      call: callJson(call, document),
      ...jsonOf(explanation),
    });
  else io.out(textOf(explanation));
  const { state, infer } = explanation;
  return infer.outcome === 'placed' && (state === null || state.outcome === 'placed') ? EXIT.ok : EXIT.refused;
}

/** Addresses that nobody calls: only where the clouds are counts. */
function emulatedConfig(io: Io): Config {
  const clouds = Object.fromEntries(EMULATED_CLOUDS.map(cloud => [cloud, `http://127.0.0.1/${cloud}/v1`]));
  return configWith(emulatedTargets(clouds), io.cwd);
}

function supposing(document: SnapshotDocument, options: ExplainOptions, io: Io): SnapshotDocument {
  const contracts = options.contracts?.map(folder => readContractFolder(contractFolder(folder, io.cwd)));
  const events = [...(document.events ?? []), ...(options.event ?? []).map(suppose)];
  return {
    ...document,
    contracts: contracts ?? document.contracts,
    reading: options.reading ?? document.reading,
    ...(events.length > 0 && { events }),
  };
}

function suppose(text: string): RecordedEvent {
  return { ...eventOption('perdure explain', text), source: 'supposed' };
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

function callFrom(options: ExplainOptions, config: Config): HypotheticalCall {
  if (options.stored === true && options.stateless === true) usage('--stored and --stateless exclude each other');
  return {
    tenant: options.tenant ?? defaults.DEFAULT_TENANT,
    model: options.model ?? config.targets[0]?.model ?? '',
    product: options.product ?? defaults.DEFAULT_PRODUCT,
    channel: options.channel ?? defaults.DEFAULT_CHANNEL,
    segment: oneOf('segment', options.segment ?? defaults.DEFAULT_SEGMENT) as Segment,
    stateHeld: options.stateless !== true,
    purpose: oneOf('purpose', options.purpose ?? 'turn') as Purpose,
    labels: options.label ?? [],
    at: momentOption('perdure explain', '--as-of', options.asOf) ?? config.asOf?.ms ?? Date.now(),
    spend: spendFrom(options.spend),
    inputTokens: options.inputTokens ?? DEFAULT_TOKENS,
    outputTokens: options.outputTokens ?? DEFAULT_TOKENS,
  };
}

function oneOf(name: 'segment' | 'purpose', given: string): string {
  const known = VOCABULARY[name] ?? [];
  if (known.includes(given)) return given;
  const near = didYouMean(given, known);
  return usage(
    `there is no ${name} "${given}" (${near === null ? `there are: ${known.join(', ')}` : `did you mean ${near}?`})`,
  );
}

function usage(message: string): never {
  throw new CliError(EXIT.usage, `perdure explain: ${message}`);
}

function textOf({ state, infer, freeing, freeingState }: Explanation): string {
  const home = state === null ? '' : `STATE\n${explainTable(state)}${freeingLines(freeingState)}\n\n`;
  return `${home}CALL\n${explainTable(infer)}${freeingLines(freeing)}\n`;
}

function freeingLines(freeing: readonly Freeing[]): string {
  if (freeing.length === 0) return '';
  return `\n\none change would free it:\n${freeing.map(one => `  ${freeingText(one)}`).join('\n')}`;
}

function callJson(call: HypotheticalCall, document: SnapshotDocument): object {
  return {
    tenant: call.tenant,
    model: call.model,
    product: call.product,
    channel: call.channel,
    segment: call.segment,
    stored: call.stateHeld,
    purpose: call.purpose,
    labels: call.labels,
    as_of: new Date(call.at).toISOString(),
    reading: document.reading,
    events: (document.events ?? []).map(({ id, date }) => ({ id, date })),
    spend_micro_usd: call.spend,
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
  };
}

function jsonOf({ state, infer, freeing, freeingState }: Explanation): object {
  const home = state === null ? null : { ...decisionJson(state), freed_by: freeingState };
  return { state: home, infer: { ...decisionJson(infer), freed_by: freeing } };
}

function decisionJson(decision: Decision): object {
  return {
    outcome: decision.outcome,
    code: decision.code,
    chosen: decision.chosen,
    classes: decision.classes,
    in_force: decision.inForce,
    rows: decision.rows.map(row => ({
      id: row.place,
      cloud: row.cloud,
      region: row.region,
      verdict: row.verdict,
      against: row.exclusions,
      flagged: row.flagged,
      permits: row.permits,
      lacks: row.lacks,
      cost_micro_usd: row.cost,
      latency_ms: row.latencyMs,
      score: row.score,
    })),
    flagged: decision.flagged,
    conflict: decision.conflict,
  };
}
