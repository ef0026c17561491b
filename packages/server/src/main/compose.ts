/** The composition root: the one place that knows all the parts. */
import { mkdirSync } from 'node:fs';
import { makeSeals } from '../engine/compaction/seal.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import { Homes } from '../engine/homes.ts';
import { makeDesk } from '../engine/placement-desk.ts';
import type { WorkspaceHost } from '../engine/environments/desk.ts';
import type { Clock } from '../engine/ports.ts';
import { makePrompts } from '../engine/prompts/prompts.ts';
import { Rates } from '../engine/rate/rates.ts';
import { makeScheduler } from '../engine/scheduler.ts';
import { type Listening, listen } from '../http/server.ts';
import { type HomeId, homeTag, makeIds } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import type { DataLock } from '../store/sqlite/data-lock.ts';
import { openSqliteHome, type SqliteHomeOptions } from '../store/sqlite/open-sqlite-home.ts';
import { makeSelectApart } from './compaction/thread.ts';
import type { Config } from './config/config.ts';
import { saleOf } from './config/config.ts';
import { sha256 } from './digest.ts';
import type { LoadedEra } from './govern/active-contracts.ts';
import { sessionsOf } from './automations/sessions.ts';
import { type ConnectSessions, startAutomations } from './automations/start.ts';
import { openFiles, sweepFiles } from './files.ts';
import { startCedar } from './govern/cedar-apart.ts';
import { follow, openGoverned } from './govern/open.ts';
import { HoldBook } from './holds/hold-book.ts';
import { makeHoldDesk } from './holds/hold-desk.ts';
import { retentionWith } from './holds/retention-policy.ts';
import { type RunningLedger, startLedger } from './ledger/start.ts';
import { authenticate, keyAdmin } from './keys/admin.ts';
import { recordConfiguredKeys } from './keys/configured-keys.ts';
import { saleCheck } from './keys/sale.ts';
import { KeyRing } from './keys.ts';
import { keysRequired } from './keys/required.ts';
import { lapseWarnings } from '../placement/lapse.ts';
import { isLoopback } from './loopback.ts';
import { engineLimits, toolLimits } from './engine-limits.ts';
import { openAgentParts } from './agents/agent-parts.ts';
import { startAgentRules } from './agent-rules.ts';
import { alertsOf } from './alerts/start.ts';
import { booksOf, spendPricesOf } from './money/books.ts';
import { closedBook } from './money/closes.ts';
import { makeExplainView } from './explain-view.ts';
import { spendTermsOf } from './money/spend-terms.ts';
import { targetFactsOf } from './money/target-facts.ts';
import { openMoney } from './money/open-money.ts';
import { basisOfEra } from './basis.ts';
import { makeUsageView } from './money/usage-view.ts';
import { lifeSigns, makeReadiness, type Readiness } from './readiness.ts';
import { operatorNote } from './operator-note.ts';
import { openTraces } from './traces/start.ts';
import { VERSION } from './version.ts';
import { fillRandom } from './random.ts';
import type { RunningShadow } from './shadow/shadow.ts';
import { openSealKey } from './seal-key.ts';
import { hostIn } from './server-address.ts';
import { announceServer, forgetServer, holdDataFolder } from './server-file.ts';
import { makeProviders } from './upstream-providers.ts';
import { makeView } from './view.ts';

type HomeOptions = Required<Pick<SqliteHomeOptions, 'signs' | 'logBytes'>>;
type OpenHome = (home: HomeId, dir: string, how: HomeOptions) => Promise<HomeStore>;

export interface ComposeOptions {
  /** A line for the operator. Never content. */
  readonly log: (line: string) => void;
  /** Opens a home's store; by default its SQLite file. What another store, or one that misbehaves, is put in by. */
  readonly openHome?: OpenHome;
  /** How automations start and tell sessions. */
  readonly automationSessions?: ConnectSessions;
  /** Where hosted environments have their files and commands; by default as configured. */
  readonly workspaces?: WorkspaceHost;
}

export interface ComposedServer {
  readonly url: string;
  readonly port: number;
  readonly warnings: readonly string[];
  readonly engine: Engine;
  /** Settles once what the last process left unfinished was taken up. */
  readonly recovered: Promise<void>;
  /** Drains, closes, lets go of the data folder. */
  close(): Promise<void>;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

const SALT_BYTES = 16;

/** How long an HTTP connection may take to end after the work is done, ms. */
const CLOSE_MS = 1000;

/** @throws ConfigError-like errors for contracts, StoreError for the data folder */
export async function composeServer(
  config: Config,
  { log, openHome = openFile, automationSessions = sessionsOf, workspaces }: ComposeOptions,
): Promise<ComposedServer> {
  const startedAt = systemClock.now();
  mkdirSync(config.data, { recursive: true });
  const lock = holdDataFolder(config.data);
  startCedar();
  const stores: HomeStore[] = [];
  const undo = async (): Promise<void> => {
    await Promise.all(stores.map(store => store.close()));
    lock.release();
  };
  try {
    const readiness = makeReadiness(config.homes.map(({ id }) => id));
    for (const { id } of config.homes) {
      const how = { signs: lifeSigns(id, readiness, log), logBytes: config.limits.storeLogBytes };
      stores.push(readiness.watch(id, await openHome(id as HomeId, config.data, how), config.limits.storeMs));
    }
    const sealed = config.ledger.enabled && openHome === openFile;
    const parts = { log, startedAt, stores, lock, sealed, readiness, automationSessions, workspaces };
    return await assemble(config, parts);
  } catch (error) {
    await undo();
    throw error;
  }
}

function openFile(home: HomeId, dir: string, how: HomeOptions): Promise<HomeStore> {
  return openSqliteHome({ dir, home, clock: systemClock, exclusive: true, ...how });
}

interface Parts extends Pick<ComposeOptions, 'log'> {
  readonly automationSessions: ConnectSessions;
  readonly startedAt: number;
  readonly stores: readonly HomeStore[];
  readonly lock: DataLock;
  /** The ledger reads the homes' own files: other stores have none. */
  readonly sealed: boolean;
  readonly readiness: Readiness;
  readonly workspaces: WorkspaceHost | undefined;
}

async function assemble(
  given: Config,
  { log, startedAt, stores, lock, sealed, readiness, automationSessions, workspaces }: Parts,
): Promise<ComposedServer> {
  const [control] = stores;
  if (control === undefined) throw new Error('a deployment needs a home');
  const { limits } = given;
  const report = (what: string, error: unknown): void =>
    log(`${what}: ${error instanceof Error ? operatorNote(error) : String(error)}`);
  const ids = makeIds(systemClock, fillRandom);
  const governed = await openGoverned(given, { control, stores, clock: systemClock, ids, how: 'serve', sealed });
  const { active } = governed;
  // The time that contracts are told is one of the settings that a second person may have to accept.
  const config = { ...given, asOf: governed.asOf };
  const holds = await HoldBook.open({
    store: control,
    now: () => systemClock.now(),
    id: prefix => ids.next(prefix, homeTag(control.home)),
  });
  let shadow: RunningShadow | null = null;
  const asOf = config.asOf?.ms ?? null;
  const era = (): LoadedEra => active.at(systemClock.now());
  const upstream = makeProviders(config);
  const desk = makeDesk({
    snapshot: now => active.at(now).loaded.snapshot,
    targets: upstream.targets,
    sale: (product, channel) => saleOf(config, product, channel),
    asOf,
    spend: tenant => engine.spend.fact(tenant),
    scopes: key => ring.callerOf(key)?.scopes,
    shadow: () => shadow?.targets(),
    clock: systemClock,
  });
  const sealKey = openSealKey(config.data);
  const files = openFiles(config);
  const homes = new Homes(stores);
  const agents = await openAgentParts(config, {
    control,
    clock: systemClock,
    ids,
    given: workspaces,
    report,
    log,
    api: () => engine.environments,
    automations: () => automations,
  });
  const books = booksOf(config);
  const rates = new Rates(config.rateLimits, systemClock);
  const engine = createEngine({
    homes,
    control,
    placing: desk,
    clock: systemClock,
    ids,
    sha256,
    salt: () => fillRandom(new Uint8Array(SALT_BYTES)),
    owner: ids.next('proc', '0000'),
    scheduler: makeScheduler({ stores, clock: systemClock, storeMs: limits.storeMs, report }),
    limits: engineLimits(limits),
    retention: retentionWith(config.retention, holds),
    report,
    spend: {
      caps: config.caps,
      contracts: spendTermsOf(active.eras(), asOf),
      prices: spendPricesOf(books, closedBook(config.data)),
      cloudOf: target => desk.target(target)?.cloud ?? null,
      past: config.alerts.length > 0,
      rates,
    },
    targetFacts: targetFactsOf(config),
    compaction: { ...config.compaction, seals: makeSeals(sealKey), selectApart: makeSelectApart() },
    tools: { ...agents.tools, limits: toolLimits(limits) },
    agentHost: agents.host,
    files: files.desk,
    environments: agents.environments.desk,
  });
  active.before(eras => engine.spend.follow(spendTermsOf(eras, asOf)));
  await recordConfiguredKeys(control, config.keys, systemClock.now());
  const ring = await KeyRing.open(control, config, {
    clock: systemClock,
    random: fillRandom,
    home: control.home,
    sealKey: () => sealKey,
    report,
    sale: saleCheck(
      () => era().loaded.snapshot,
      config,
      () => config.asOf?.ms ?? systemClock.now(),
    ),
  });
  const automations = startAutomations(config, {
    store: control,
    clock: systemClock,
    ids,
    ring,
    sealKey,
    sessions: automationSessions(engine),
    report,
  });
  const ledger = sealed ? startLedger(config, line => log(line)) : null;
  const rulesParts = { stores, doors: engine.approvals, sealKey, clock: systemClock, report, log };
  const rules = await startAgentRules(config, rulesParts);
  const knowing = { spend: () => engine.spend, shadow: () => shadow?.targets(), now: () => systemClock.now() };
  const view = makeView({
    config,
    active: era,
    desk,
    document: version => firstDocument(stores, version),
    version: VERSION,
    startedAt,
    now: knowing.now,
    draining: () => readiness.draining,
    workspaces: agents.workspaces.state,
  });
  const { money, closes } = await openMoney(config, {
    engine,
    control,
    id: prefix => ids.next(prefix, homeTag(control.home)),
    loaded: () => era().loaded,
    shadowPpm: commitment => shadow?.ppm(commitment) ?? null,
    report,
    now: () => systemClock.now(),
  });
  const traces = openTraces(config, { stores, engine, sha256, now: () => systemClock.now(), startedAt, log, report });
  if (!ring.required && !isLoopback(config.listen.host)) throw keysRequired(config.listen);
  const http = await listen(
    {
      engine,
      prompts: makePrompts(config.prompts, limits.bodyBytes),
      view,
      explains: makeExplainView({ config, active: era, desk, stores, control, ...knowing }),
      usage: makeUsageView(money, () => basisOfEra(era())),
      closes,
      keyed: () => ring.required,
      authenticate: bearer => authenticate(ring, bearer),
      signing: { ...config.sigv4, find: id => ring.signing(id), now: () => systemClock.now() },
      traces: traces.view,
      keys: keyAdmin(ring),
      ledger: ledger?.view ?? null,
      govern: governed.desk,
      holds: makeHoldDesk(holds, stores),
      registry: agents.registry,
      automations: automations.desk,
      ...rules.views,
      limits: {
        bodyBytes: limits.bodyBytes,
        requestMs: limits.requestMs,
        bodyMs: limits.bodyReadMs,
        heartbeatMs: 15_000,
        patienceMs: limits.patienceMs,
      },
      rates,
      websocket: {
        lifetimeMs: limits.websocketMinutes * 60_000,
        connections: limits.websocketConnections,
        connectionsPerKey: limits.websocketConnectionsPerKey,
        cacheBytes: limits.websocketCacheBytes,
      },
      version: VERSION,
      ready: () => readiness.now(),
      report,
    },
    { ...config.listen, connections: limits.connections },
  );
  agents.environments.at(http.url);
  announceServer(config.data, `http://${hostIn(config.listen.host)}:${http.port}`);
  const recovered = engine.recover().then(({ turns, calls, failed }) => {
    readiness.recovered();
    if (turns + calls + failed > 0)
      log(
        `recovered ${turns} turns and ${calls} calls of the last process${failed > 0 ? `; ${failed} failed and are tried again` : ''}`,
      );
  });
  const swept = recovered.then(() => sweepFiles(engine, limits.fileSweepMs, report));
  recovered.then(() => agents.environments.start(engine, report)).catch(() => undefined);
  recovered.then(() => agents.secretSweep.start(engine, limits.environmentSweepMs)).catch(() => undefined);
  const followed = follow(governed.active, limits.followMs, report);
  // What a stop cuts off is left to the next process: nothing is wrong.
  const unlessStopped = (what: string) => (error: unknown) => {
    if (!readiness.draining) report(what, error);
  };
  recovered.catch(unlessStopped('recovery'));
  recovered.then(() => agents.registry.finishRotation()).catch(unlessStopped('vault key rotation'));
  recovered.then(automations.start).catch(() => undefined);
  const steering = recovered.then(async () => {
    if (config.shadowMs === null) return;
    const { startShadow } = await import('./shadow/shadow.ts');
    shadow = startShadow({
      everyMs: config.shadowMs,
      money,
      snapshot: () => era().loaded.snapshot,
      latencyMs: target => desk.health()[target]?.expectedLatencyMs ?? 0,
      asOf: () => asOf ?? systemClock.now(),
      report,
    });
  });
  steering.catch(unlessStopped('shadow prices'));
  const alerts = recovered.then(() =>
    alertsOf(config, { engine, money, control, report, log, asOf: () => asOf ?? systemClock.now() }),
  );
  alerts.catch(unlessStopped('alerts'));
  const tracing = recovered.then(() => traces.start());
  tracing.catch(unlessStopped('traces'));
  return {
    url: http.url,
    port: http.port,
    warnings: [
      ...era().loaded.warnings,
      ...governed.warnings(),
      ...lapseWarnings(era().loaded.contracts, asOf ?? systemClock.now()),
    ],
    engine,
    recovered,
    close: async () => {
      readiness.drain();
      followed.stop();
      const quiet = automations.stop();
      // First of all: recovery, which the others wait for, is told by it to end.
      const drained = engine.drain(limits.drainMs);
      await steering.then(() => shadow?.close()).catch(() => undefined);
      await alerts.then(running => running?.close()).catch(() => undefined);
      await quiet;
      await drained;
      await tracing.then(() => traces.close()).catch(() => undefined);
      await rules.close();
      await swept.then(stop => stop()).catch(() => undefined);
      await agents.close();
      await files.close();
      forgetServer(config.data);
      await shutDown({ http, upstream, ledger, stores, lock });
    },
  };
}

interface Running {
  readonly http: Listening;
  readonly upstream: { close(): Promise<void> };
  readonly ledger: RunningLedger | null;
  readonly stores: readonly HomeStore[];
  readonly lock: DataLock;
}

async function shutDown({ http, upstream, ledger, stores, lock }: Running): Promise<void> {
  await http.close(CLOSE_MS);
  await upstream.close();
  await ledger?.close();
  await Promise.all(stores.map(store => store.close()));
  lock.release();
}

async function firstDocument(stores: readonly HomeStore[], version: string): Promise<string | null> {
  for (const store of stores) {
    const text = await store.document(version);
    if (text !== null) return text;
  }
  return null;
}
