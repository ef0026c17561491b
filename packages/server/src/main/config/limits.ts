/**
 * Every bound that an operator can set, with its unit, default and range: the `limits` of perdure.yaml. What the wire itself bounds
 * (depth of JSON, items of a request) is in the protocol package; these cannot exceed it.
 */
import { LIMITS as WIRE } from '@perdure/protocol';
import { ENVIRONMENT_BOUNDS, type EnvironmentServerLimits } from './environment-bounds.ts';
import { PROGRAM_BOUNDS, type ProgramServerLimits } from './program-bounds.ts';
import { TOOL_BOUNDS, type ToolServerLimits } from './tool-bounds.ts';

export interface Limits extends ServerLimits {
  readonly upstream: UpstreamLimits;
}

/** Times in ms unless the name says otherwise; sizes in bytes. */
export interface ServerLimits extends EnvironmentServerLimits, ToolServerLimits, ProgramServerLimits {
  readonly requestMs: number;
  readonly bodyReadMs: number;
  readonly bodyBytes: number;
  readonly concurrent: number;
  readonly connections: number;
  readonly turnMs: number;
  readonly turnAttempts: number;
  readonly retryWaitMs: number;
  readonly storeMs: number;
  readonly storeLogBytes: number;
  readonly patienceMs: number;
  readonly readers: number;
  readonly resumeMs: number;
  readonly cacheBytes: number;
  readonly leaseMs: number;
  readonly idempotencyHours: number;
  readonly drainMs: number;
  readonly followMs: number;
  readonly approvalHours: number;
  readonly waiverDays: number;
  readonly alertCheckMs: number;
  readonly alertTimeoutMs: number;
  readonly alertRetryMs: number;
  readonly fileBytes: number;
  readonly tenantFileBytes: number;
  readonly tenantFiles: number;
  readonly uploadMs: number;
  readonly attachedBytes: number;
  readonly fileCacheBytes: number;
  readonly fileSweepMs: number;
  readonly alertHours: number;
  readonly webhookFailingHours: number;
  readonly websocketMinutes: number;
  readonly websocketConnections: number;
  readonly websocketConnectionsPerKey: number;
  readonly websocketCacheBytes: number;
}

export interface UpstreamLimits {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly eventBytes: number;
  readonly responseBytes: number;
  readonly outputChars: number;
  readonly connections: number;
  readonly waiting: number;
}

export interface Bound {
  /** In perdure.yaml. */
  readonly name: string;
  readonly unit: string;
  readonly default: number;
  /** Both inclusive. */
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

type Range = readonly [name: string, fallback: number, min: number, max: number];
const bound = (unit: string, [name, fallback, min, max]: Range, what: string): Bound => ({
  name,
  unit,
  default: fallback,
  min,
  max,
  what,
});

export const SERVER_BOUNDS: { readonly [name in keyof ServerLimits]: Bound } = {
  requestMs: bound(
    'ms',
    ['request_ms', 10 * MINUTE, SECOND, 60 * MINUTE],
    'A request that is not streamed, from its first byte to its answer.',
  ),
  bodyReadMs: bound(
    'ms',
    ['body_read_ms', 30 * SECOND, 100, 10 * MINUTE],
    'The time in which a request body must have arrived.',
  ),
  bodyBytes: bound('bytes', ['body_bytes', WIRE.bodyBytes, KIB, WIRE.bodyBytes], 'The size of a request body.'),
  concurrent: bound(
    'turns',
    ['concurrent', 1_000, 1, 100_000],
    'Turns and stateless calls at once; further ones get 429.',
  ),
  connections: bound(
    'connections',
    ['connections', 10_000, 1, 100_000],
    'Open connections, streams among them; further ones are closed as they come.',
  ),
  turnMs: bound('ms', ['turn_ms', 10 * MINUTE, SECOND, 24 * 60 * MINUTE], 'A turn, from its first commit to its end.'),
  turnAttempts: bound(
    'calls',
    ['turn_attempts', 3, 1, 10],
    'Tries of one model call, where targets fail: on others, then again on the same.',
  ),
  retryWaitMs: bound(
    'ms',
    ['retry_wait_ms', 5 * SECOND, 0, MINUTE],
    'The longest wait before targets that have all failed are asked again; 0: they are not.',
  ),
  storeMs: bound('ms', ['store_ms', 10 * SECOND, 100, 5 * MINUTE], 'One operation of a store.'),
  storeLogBytes: bound(
    'bytes',
    ['store_log_bytes', 32 * MIB, MIB, KIB * MIB],
    "What a busy home's write-ahead log may hold before it is folded in.",
  ),
  patienceMs: bound(
    'ms',
    ['patience_ms', 30 * SECOND, 100, 10 * MINUTE],
    'How long a turn waits for a reader that has fallen behind.',
  ),
  readers: bound('readers', ['readers', 256, 1, 100_000], 'Readers of one running response; further ones get 429.'),
  resumeMs: bound(
    'ms',
    ['resume_ms', 15 * SECOND, 0, 10 * MINUTE],
    'How long a reader waits for a response whose process died to be taken up again.',
  ),
  cacheBytes: bound('bytes', ['cache_bytes', 64 * MIB, 0, 64 * KIB * MIB], 'Session context kept in memory.'),
  leaseMs: bound(
    'ms',
    ['lease_ms', 10 * SECOND, 3 * SECOND, 10 * MINUTE],
    'How long another process must be silent before its sessions are taken over.',
  ),
  idempotencyHours: bound('hours', ['idempotency_hours', 24, 1, 720], 'How long an Idempotency-Key holds.'),
  drainMs: bound(
    'ms',
    ['drain_ms', 30 * SECOND, 0, 10 * MINUTE],
    'How long a shutdown waits for the turns in flight; recovery finishes the rest.',
  ),
  followMs: bound(
    'ms',
    ['follow_ms', SECOND, 50, MINUTE],
    'How often a process looks whether another has changed contracts, waivers, events or rights.',
  ),
  approvalHours: bound(
    'hours',
    ['approval_hours', 72, 1, 720],
    'How long an activation or a waiver waits for its second person.',
  ),
  waiverDays: bound('days', ['waiver_days', 30, 1, 366], 'How long a waiver may last.'),
  alertCheckMs: bound(
    'ms',
    ['alert_check_ms', 5 * SECOND, 50, 60 * MINUTE],
    'Between two looks at what is spent, for alerts.',
  ),
  alertTimeoutMs: bound('ms', ['alert_timeout_ms', 10 * SECOND, 50, 5 * MINUTE], 'One delivery of an alert, in all.'),
  alertRetryMs: bound(
    'ms',
    ['alert_retry_ms', 5 * SECOND, 10, 60 * MINUTE],
    'From a failed delivery to the next; it doubles each time, up to an hour.',
  ),
  fileBytes: bound('bytes', ['file_bytes', 512 * MIB, KIB, 8 * KIB * MIB], 'One uploaded file.'),
  tenantFileBytes: bound(
    'bytes',
    ['tenant_file_bytes', 100 * KIB * MIB, KIB, KIB * KIB * KIB * MIB],
    'The uploaded files of one tenant in one home.',
  ),
  tenantFiles: bound(
    'files',
    ['tenant_files', 100_000, 1, 10_000_000],
    'How many uploaded files one tenant has in one home.',
  ),
  uploadMs: bound(
    'ms',
    ['upload_ms', 10 * MINUTE, SECOND, 24 * 60 * MINUTE],
    'One upload, from its first byte to its last.',
  ),
  attachedBytes: bound(
    'bytes',
    ['attached_bytes', 50 * MIB, KIB, KIB * MIB],
    'Files, and what lies at addresses, in the new input of one request.',
  ),
  fileCacheBytes: bound(
    'bytes',
    ['file_cache_bytes', 64 * MIB, 0, 64 * KIB * MIB],
    'Files kept in memory as models are sent them.',
  ),
  fileSweepMs: bound(
    'ms',
    ['file_sweep_ms', MINUTE, 50, 24 * 60 * MINUTE],
    'Between two sweeps of files that were deleted, have expired, or were never finished.',
  ),
  alertHours: bound('hours', ['alert_hours', 72, 1, 720], 'How long an alert is tried before it is given up.'),
  webhookFailingHours: bound(
    'hours',
    ['webhook_failing_hours', 120, 1, 720],
    'How long a webhook may fail before it is told nothing any more.',
  ),
  websocketMinutes: bound('minutes', ['websocket_minutes', 60, 1, 1_440], 'How long a WebSocket connection may live.'),
  websocketConnections: bound(
    'connections',
    ['websocket_connections', 1_000, 0, 100_000],
    'WebSocket connections at once; further ones get 429.',
  ),
  websocketConnectionsPerKey: bound(
    'connections',
    ['websocket_connections_per_key', 100, 0, 100_000],
    'Those of one key.',
  ),
  websocketCacheBytes: bound(
    'bytes',
    ['websocket_cache_bytes', 16 * MIB, 0, KIB * MIB],
    'What one WebSocket connection may hold of responses that are not stored.',
  ),
  ...ENVIRONMENT_BOUNDS,
  ...TOOL_BOUNDS,
  ...PROGRAM_BOUNDS,
};

export const UPSTREAM_BOUNDS: { readonly [name in keyof UpstreamLimits]: Bound } = {
  connectMs: bound('ms', ['connect_ms', 5 * SECOND, 10, MINUTE], 'To a connection with its TLS handshake.'),
  firstByteMs: bound(
    'ms',
    ['first_byte_ms', 2 * MINUTE, 50, 30 * MINUTE],
    'From the call to the first byte of its answer.',
  ),
  idleMs: bound(
    'ms',
    ['idle_ms', 2 * MINUTE, 50, 30 * MINUTE],
    'Between two reads of an answer that somebody waits for.',
  ),
  eventBytes: bound('bytes', ['event_bytes', MIB, KIB, 64 * MIB], 'One event of a stream.'),
  responseBytes: bound('bytes', ['response_bytes', 64 * MIB, KIB, KIB * MIB], 'One answer.'),
  outputChars: bound('characters', ['output_chars', 16 * MIB, KIB, 256 * MIB], 'The text that one call may produce.'),
  connections: bound('connections', ['connections', 512, 1, 65_536], 'Open connections to one upstream.'),
  waiting: bound('calls', ['waiting', 4_096, 0, 1_000_000], 'Calls that may wait for a connection to one upstream.'),
};

const defaultsOf = <Name extends string>(
  bounds: { readonly [name in Name]: Bound },
): { readonly [name in Name]: number } => mapValues(bounds, ({ default: value }) => value);

export const DEFAULT_LIMITS: Limits = { ...defaultsOf(SERVER_BOUNDS), upstream: defaultsOf(UPSTREAM_BOUNDS) };

/** The same names with other values. */
export function mapValues<Name extends string, From, To>(
  values: { readonly [name in Name]: From },
  to: (value: From, name: Name) => To,
): { [name in Name]: To } {
  const names = Object.keys(values) as Name[];
  return Object.fromEntries(names.map(name => [name, to(values[name], name)])) as { [name in Name]: To };
}

/** Bounds of the configuration file itself. */
export const CONFIG_BOUNDS: {
  readonly fileBytes: number;
  readonly valueChars: number;
  readonly homes: number;
  readonly targets: number;
  readonly contracts: number;
  readonly keys: number;
  readonly witnesses: number;
  /** Of channels, and of products. */
  readonly offers: number;
  /** Clearances or capabilities of one place. */
  readonly words: number;
  readonly nameChars: number;
  readonly modelChars: number;
  /** US dollars per million tokens. */
  readonly price: number;
  /** Versions of a price book, and rates of a card. */
  readonly rates: number;
  readonly caps: number;
  readonly rateLimits: number;
  /** Tenants with a lifetime of their own. */
  readonly tenants: number;
  readonly alerts: number;
  /** Prompts, each version counted. */
  readonly prompts: number;
  /** Of one prompt. */
  readonly promptVersions: number;
  readonly promptMessages: number;
  /** US dollars of a cap: in micro-dollars still an integer that a number holds. */
  readonly amountUsd: number;
  readonly capacity: number;
  readonly contextTokens: number;
  readonly weight: number;
  /** Events, and offers under rights of first refusal. */
  readonly recorded: number;
  readonly sourceChars: number;
} = {
  fileBytes: MIB,
  valueChars: 64 * KIB,
  homes: 64,
  targets: 1_000,
  contracts: 64,
  witnesses: 16,
  keys: 10_000,
  offers: 1_000,
  words: 64,
  nameChars: 64,
  modelChars: 256,
  price: 100_000,
  rates: 1_000,
  caps: 1_000,
  rateLimits: 1_000,
  tenants: 10_000,
  alerts: 16,
  prompts: 1_000,
  promptVersions: 100,
  promptMessages: 100,
  amountUsd: 9_000_000_000,
  capacity: 1_000_000,
  contextTokens: 1_000_000_000,
  weight: 1_000_000_000,
  recorded: 1_000,
  sourceChars: 2_000,
};
