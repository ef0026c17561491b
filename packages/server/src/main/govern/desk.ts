/** What somebody can ask and do about contracts, whether over HTTP or on the data folder: checks, scopes, answers. */
import {
  didYouMean,
  knownHint,
  type ActivationAnswer,
  type ActivationResource,
  type AnswerRight,
  perdureError,
  type RightResource,
} from '@perdure/protocol';
import type { GovernView, Viewer } from '../../http/perdure/govern-view.ts';
import type { Contract } from '../../contract/contract.ts';
import { datetimeMs, DAY_MS } from '../../contract/instant.ts';
import { dayOf } from '../../kernel/day.ts';
import type { Config } from '../config/config.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import { type Activation, holding, inForceFrom } from './activation.ts';
import { type AuditDeskDeps, auditPage } from './audit-desk.ts';
import type { ActiveContracts } from './active-contracts.ts';
import { checkEventId } from './contract-event.ts';
import { checkChars, checkContracts, documentName, filesOfDocument, loadOnce } from './contract-texts.ts';
import { contractsOf } from './activated.ts';
import { droppedTerms } from './dropped-terms.ts';
import { eventDays } from '../money/usage-view.ts';
import type { Governance } from './governance.ts';
import {
  activationResource,
  activationResources,
  configuredEventResource,
  contractEventResource,
  rightResource,
  settingsResource,
  waiverResource,
} from './resources.ts';
import { checkRightId, type NewMove, type Right } from './right.ts';
import { contractsAsking } from './rights-asked.ts';
import { askedByConfigured, type EventsAsked, eventsAsked, joined, unaskedWarnings } from './events-asked.ts';
import { acceptedAt } from './settings.ts';
import { strandedSessions, type StrandedQuery } from './stranded.ts';
import { checkWaiver } from './waiver.ts';

export interface GovernDeskDeps {
  readonly config: Config;
  readonly governance: Governance;
  readonly active: ActiveContracts;
  readonly stores: StrandedQuery['stores'];
  /** Those that a key, the configuration or a session is of. */
  readonly tenants: () => Promise<readonly string[]>;
  /** Called before contracts are loaded, so that loading them holds up a server for a short time only. */
  readonly prime: (contracts: readonly ContractFiles[]) => Promise<void>;
  readonly audit: AuditDeskDeps;
}

export function makeGovernDesk({
  config,
  governance,
  active,
  stores,
  tenants,
  prime,
  audit,
}: GovernDeskDeps): GovernView {
  const { now, seen } = governance.deps;
  const shown = (one: Activation): ActivationResource =>
    activationResource(one, holding(governance.activations, now()), now(), governance.inForce.enforce);

  /** What the contracts that are in force until then say of money, and these do not. */
  async function dropped(effective: number, after: readonly Contract[]): Promise<ActivationAnswer['dropped_terms']> {
    await active.follow();
    const at = config.asOf?.ms ?? Math.max(seen(), effective);
    const { contracts, snapshot } = active.at(Math.max(now(), effective)).loaded;
    return droppedTerms(contracts, after, at, eventDays(snapshot.recorded.events));
  }

  /** Stranded is null if it is not accepted: what is pending strands nobody yet. */
  async function answer(one: Activation, terms: ActivationAnswer['dropped_terms']): Promise<ActivationAnswer> {
    await active.follow();
    if (inForceFrom(one, now()) === null) return { ...shown(one), stranded: null, dropped_terms: terms };
    const { snapshot } = await active.preview(one);
    const at = config.asOf?.ms ?? Math.max(seen(), one.effective);
    const stranded = await strandedSessions({ stores, config, snapshot, at, tenant: null, after: null });
    return { ...shown(one), stranded, dropped_terms: terms };
  }

  return {
    contracts: async () => contractsOf(governance.activations, now()),
    async contract(digest) {
      const found = contractsOf(governance.activations, now()).find(one => one.digest === digest);
      const text = found === undefined ? null : await governance.deps.store.document(documentName(digest));
      return found === undefined || text === null ? null : { ...found, texts: filesOfDocument(text) };
    },
    async activations() {
      return activationResources(governance.activations, now(), governance.inForce.enforce);
    },
    async activate(who, wanted) {
      checkChars(wanted.contracts);
      await prime(wanted.contracts.map(({ files }) => files));
      const contracts = checkContracts(wanted.contracts);
      const effective = wanted.effective === undefined ? now() : effectiveOf(wanted.effective, now());
      const activation = {
        contracts,
        reading: wanted.reading ?? null,
        enforce: wanted.enforce ?? true,
        effective,
        reason: wanted.reason ?? null,
        secondPerson: wanted.require_second ?? false,
      };
      await active.check(activation);
      const after = contracts.flatMap(({ files }) => loadOnce(files).contract ?? []);
      const terms = await dropped(effective, after);
      return answer(await governance.activate(who.principal, activation), terms);
    },
    async approveActivation(who, id) {
      await governance.refresh();
      const wanted = governance.activations.find(one => one.id === id);
      const terms =
        wanted === undefined ? [] : await dropped(wanted.effective, (await active.preview(wanted)).contracts);
      return answer(await governance.decideActivation(who.principal, id, 'approved'), terms);
    },
    rejectActivation: async (who, id) => shown(await governance.decideActivation(who.principal, id, 'rejected')),
    async withdrawActivation(who, id) {
      const withdrawn = await governance.withdrawActivation(who.principal, id);
      await active.follow();
      return shown(withdrawn);
    },
    stranded(who, after) {
      const { snapshot } = active.at(now()).loaded;
      const tenant = who.all ? null : who.tenant;
      return strandedSessions({ stores, config, snapshot, at: seen(), tenant, after });
    },
    waivers: async who =>
      governance.waivers
        .filter(({ tenant }) => who.all || tenant === null || tenant === who.tenant)
        .map(one => waiverResource(one, now(), seen()))
        .toReversed(),
    async grantWaiver(who, wanted) {
      const { contract, clause, tenant = null, product = null, target = null, reason } = wanted;
      const from = wanted.from === undefined ? seen() : timeOf('from', wanted.from);
      const until = timeOf('until', wanted.until);
      const scope = { contract, clause, tenant, product, target, from, until };
      checkWaiver(scope, config.limits.waiverDays);
      if (until <= seen()) throw perdureError('invalid_request', 'This waiver has ended already.', { param: 'until' });
      checkNames(scope);
      const secondPerson = wanted.require_second ?? false;
      const granted = await governance.grantWaiver(who.principal, { ...scope, reason, secondPerson });
      await active.follow();
      const warnings = await tenantWarnings(who, tenant);
      return { ...waiverResource(granted, now(), seen()), warnings };
    },
    async decideWaiver(who, id, how) {
      const { principal } = who;
      const waiver =
        how === 'revoke'
          ? await governance.revokeWaiver(principal, id)
          : await governance.decideWaiver(principal, id, how === 'approve' ? 'approved' : 'rejected');
      await active.follow();
      return waiverResource(waiver, now(), seen());
    },
    async events() {
      const asked = askedFor();
      const recorded = governance.events.map(one => contractEventResource(one, now(), asked)).toReversed();
      return [...recorded, ...governance.inForce.events.map(one => configuredEventResource(one, asked))];
    },
    async recordEvent(who, { event, date, source, require_second: second = false }) {
      checkEventId(event);
      const at = timeOf('date', date);
      if (at > seen() + DAY_MS)
        throw perdureError('invalid_request', 'An event is recorded when it has happened.', { param: 'date' });
      const given = { event, date: at - (at % DAY_MS), source };
      const recorded = await governance.recordEvent(who.principal, given, second);
      await active.follow();
      const warnings = unaskedWarnings(event, joined([askedFor(), askedByConfigured(config)]));
      return { ...contractEventResource(recorded, now(), askedFor()), warnings };
    },
    async decideEvent(who, id, how) {
      const { principal } = who;
      const event =
        how === 'retract'
          ? await governance.retractEvent(principal, id)
          : await governance.decideEvent(principal, id, how === 'approve' ? 'approved' : 'rejected');
      await active.follow();
      return contractEventResource(event, now(), askedFor());
    },
    async settings() {
      const { settings: all } = governance;
      const accepted = acceptedAt(all, now());
      return all.map(one => settingsResource(one, accepted, now())).toReversed();
    },
    async decideSettings(who, id, how) {
      const decided = await governance.decideSettings(who.principal, id, how === 'approve' ? 'approved' : 'rejected');
      await active.follow();
      return settingsResource(decided, acceptedAt(governance.settings, now()), now());
    },
    async rights() {
      const recorded = new Map(governance.rights.map(right => [right.id, right]));
      const { firstRefusals } = governance.inForce;
      const ids = [...new Set([...firstRefusals.map(({ id }) => id), ...recorded.keys()])].toSorted();
      return ids.map(id => shownRight(recorded.get(id) ?? { id, moves: [] }));
    },
    async offerRight(who, id, wanted) {
      const move = newMove('offer', id, wanted, wanted.deadline);
      if (wanted.deadline < move.date)
        throw perdureError('invalid_request', 'An offer can be answered on its own day at least.', {
          param: 'deadline',
        });
      return moved(await governance.moveRight(who.principal, id, move, wanted.require_second ?? false));
    },
    async answerRight(who, id, how, wanted) {
      const move = newMove(how, id, wanted, null);
      return moved(await governance.moveRight(who.principal, id, move, wanted.require_second ?? false));
    },
    async decideRight(who, id, how) {
      const verdict = { approve: 'approved', reject: 'rejected', retract: 'retracted' } as const;
      return moved(await governance.decideRight(who.principal, id, verdict[how]));
    },
    audit: (who, query) => auditPage(audit, who, query),
  };

  function askedFor(): EventsAsked {
    return eventsAsked(active.eras().map(({ loaded }) => loaded));
  }

  /** A tenant that nobody has seen may come yet, or be a slip of the pen. Others are named only to who may see them (L10). */
  async function tenantWarnings({ all }: Viewer, tenant: string | null): Promise<readonly string[]> {
    if (tenant === null || !all) return [];
    const known = await tenants();
    if (known.includes(tenant)) return [];
    const near = didYouMean(tenant, known);
    const hint = near === null ? '' : ` (did you mean ${near}?)`;
    return [
      `No key, setting or session is of a tenant '${tenant.slice(0, 64)}'${hint}: it waives nothing before one is.`,
    ];
  }

  function shownRight(right: Right): RightResource {
    const snapshots = active.eras().map(({ loaded }) => loaded);
    const { firstRefusals } = governance.inForce;
    return rightResource(right, firstRefusals, contractsAsking(snapshots, right.id), now(), seen());
  }

  async function moved(right: Right): Promise<RightResource> {
    await active.follow();
    return shownRight(right);
  }

  function newMove(kind: NewMove['kind'], right: string, wanted: AnswerRight, deadline: string | null): NewMove {
    checkRightId(right);
    const { product = null, source } = wanted;
    if (product !== null)
      named(
        'product',
        product,
        config.products.map(({ id }) => id),
      );
    const date = wanted.date ?? dayOf(seen());
    if (dayMs('date', date) > seen() + DAY_MS)
      throw perdureError(
        'invalid_request',
        `It cannot be dated after today, which contracts see as ${dayOf(seen())}.`,
        {
          param: 'date',
        },
      );
    if (deadline !== null) dayMs('deadline', deadline);
    return { kind, product, date, deadline, source };
  }

  /** A waiver of what is not there would wait for a slip of the pen to become a clause. */
  function checkNames(scope: {
    contract: string;
    clause: string;
    product: string | null;
    target: string | null;
  }): void {
    const known = active.eras().flatMap(era => era.loaded.contracts);
    const contracts = known.map(({ id }) => id);
    named('contract', scope.contract, contracts);
    // Only what forbids can be waived: a permission is no burden, and a definition no rule.
    const clauses = known
      .filter(({ id }) => id === scope.contract)
      .flatMap(one => one.clauses.filter(({ effect, reading }) => effect === 'forbid' && reading === null))
      .map(({ clause }) => clause);
    named('clause', scope.clause, clauses);
    if (scope.product !== null)
      named(
        'product',
        scope.product,
        config.products.map(({ id }) => id),
      );
    if (scope.target !== null)
      named(
        'target',
        scope.target,
        [...config.targets, ...config.homes].map(({ id }) => id),
      );
  }
}

function named(param: string, given: string, known: readonly string[]): void {
  if (known.includes(given)) return;
  const hint = knownHint(given, [...new Set(known)]);
  throw perdureError('invalid_request', `There is no ${param} '${given.slice(0, 64)}' (${hint})`, { param });
}

function dayMs(param: string, text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? datetimeMs(text) : null;
  if (ms !== null) return ms;
  throw perdureError('invalid_request', `'${param}' must be a day in UTC, as 2026-03-20.`, { param });
}

function timeOf(param: string, text: string): number {
  const ms = datetimeMs(text);
  if (ms !== null) return ms;
  throw perdureError(
    'invalid_request',
    `'${param}' must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z.`,
    {
      param,
    },
  );
}

/** A day or moment to come. The day that it is now means now; an earlier one is refused: nothing was decided by it. */
function effectiveOf(text: string, now: number): number {
  const at = timeOf('effective', text);
  if (at >= now - (now % DAY_MS)) return Math.max(at, now);
  throw perdureError('invalid_request', 'An activation cannot come into force before it is made.', {
    param: 'effective',
  });
}
