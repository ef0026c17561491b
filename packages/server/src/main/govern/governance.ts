/**
 * What is decided about contracts, over the control home's store: activations, waivers, events, rights of first refusal, what the configuration settles.
 *
 * V1  The store is the truth. What is in memory is what the last refresh read, and every change reads it anew first.
 * V2  A change is one commit with its audit entry (C1); of two at once one is told `record_changed`, and nothing was done.
 */
import { perdureError } from '@perdure/protocol';
import type {
  AuditEntry,
  ControlKind as AnyKind,
  ControlRecord,
  ControlRecords,
} from '../../engine/control-records.ts';
import type { SessionLog } from '../../engine/ports.ts';
import type { IdPrefix } from '../../kernel/ids.ts';
import { type Activation, withdraw } from './activation.ts';
import { actorOf, auditEntry } from './audit.ts';
import { type CheckedContract, documentName, documentOfFiles } from './contract-texts.ts';
import { type ContractEvent, decideEvent, retract } from './contract-event.ts';
import { decideOn, newRequest } from './request.ts';
import { decideMove, makeMove, type NewMove, retractMove, type Right } from './right.ts';
import { decideSettings, type Settings, settingsInForce, settingsOf, type SettingsRecord, taking } from './settings.ts';
import { revokeWaiver, type WaiverRecord } from './waiver.ts';

type ControlKind = Exclude<AnyKind, 'alert' | 'hold' | 'config_key' | 'usage_close'>;

/** Records of one kind that a store is given at most. Ended ones stay: they are evidence. */
export const MAX_RECORDS = 10_000;
/** Characters of a record; what the store itself bounds is no smaller. */
const MAX_BODY_CHARS: number = 256 * 1024;

export interface GovernanceDeps {
  readonly store: ControlRecords & Pick<SessionLog, 'putDocument' | 'document'>;
  /** The real time. */
  readonly now: () => number;
  /** The time that contracts see. */
  readonly seen: () => number;
  readonly id: (prefix: IdPrefix) => string;
  /** How long a request waits for its second person, ms. */
  readonly approvalMs: number;
  /** What the configuration says; `inForce` says whether it counts. */
  readonly configured: Settings;
}

interface Kept<T> {
  readonly value: T;
  readonly tenant: string | null;
  readonly version: number;
}

export interface NewActivation {
  readonly contracts: readonly CheckedContract[];
  readonly reading: string | null;
  readonly enforce: boolean;
  /** ms since 1970; earlier than now means now. */
  readonly effective: number;
  readonly reason: string | null;
  readonly secondPerson: boolean;
}

export type NewWaiver = Pick<
  WaiverRecord,
  'contract' | 'clause' | 'tenant' | 'product' | 'target' | 'from' | 'until' | 'reason'
> & { readonly secondPerson: boolean };

export class Governance {
  readonly #deps: GovernanceDeps;
  #position = -1;
  #activations: readonly Kept<Activation>[] = [];
  #waivers: readonly Kept<WaiverRecord>[] = [];
  #events: readonly Kept<ContractEvent>[] = [];
  #rights: readonly Kept<Right>[] = [];
  #settings: readonly Kept<SettingsRecord>[] = [];

  private constructor(deps: GovernanceDeps) {
    this.#deps = deps;
  }

  static async open(deps: GovernanceDeps): Promise<Governance> {
    const governance = new Governance(deps);
    await governance.refresh();
    return governance;
  }

  /** In the order in which they were made. */
  get activations(): readonly Activation[] {
    return this.#activations.map(({ value }) => value);
  }
  get waivers(): readonly WaiverRecord[] {
    return this.#waivers.map(({ value }) => value);
  }
  get events(): readonly ContractEvent[] {
    return this.#events.map(({ value }) => value);
  }
  get rights(): readonly Right[] {
    return this.#rights.map(({ value }) => value);
  }
  get settings(): readonly SettingsRecord[] {
    return this.#settings.map(({ value }) => value);
  }
  /** What the configuration settles, as far as it was accepted. */
  get inForce(): Settings {
    return settingsInForce(this.#deps.configured, this.settings, this.#deps.now());
  }
  /** Of the audit, as last read: it moves with every change, whoever made it. */
  get position(): number {
    return this.#position;
  }
  get deps(): GovernanceDeps {
    return this.#deps;
  }

  /** Reads what another process has changed. */
  async refresh(): Promise<void> {
    const { store } = this.#deps;
    // Asked first: what comes in between is read now, and once more by the next refresh.
    const position = await store.auditPosition();
    if (position === this.#position) return;
    const [activations, waivers, events, rights, settings] = await Promise.all([
      this.#read<Activation>('activation'),
      this.#read<WaiverRecord>('waiver'),
      this.#read<ContractEvent>('contract_event'),
      this.#read<Right>('first_refusal'),
      this.#read<SettingsRecord>('settings'),
    ]);
    // Of two reads at once the one that began later counts.
    if (position < this.#position) return;
    this.#activations = activations;
    this.#waivers = waivers;
    this.#events = events;
    this.#rights = rights;
    this.#settings = settings;
    this.#position = position;
  }

  async activate(who: string, wanted: NewActivation): Promise<Activation> {
    const { store, now } = this.#deps;
    const at = now();
    // Before the record that names them: an activation never lacks its texts.
    for (const { ref, files } of wanted.contracts)
      await store.putDocument(documentName(ref.digest), documentOfFiles(files));
    const activation: Activation = {
      id: this.#deps.id('act'),
      contracts: wanted.contracts.map(({ ref }) => ref),
      reading: wanted.reading,
      enforce: wanted.enforce,
      effective: Math.max(wanted.effective, at),
      withdrawn: null,
      ...newRequest(who, at, wanted.reason, this.#expiry(wanted.secondPerson, who, at)),
    };
    await this.#make('activation', activation, null, who, 'activation.requested');
    return activation;
  }

  decideActivation(who: string, id: string, verdict: 'approved' | 'rejected'): Promise<Activation> {
    return this.#change('activation', id, who, `activation.${verdict}`, (one: Activation, now) =>
      one.withdrawn === null ? decideOn(one, who, verdict, now) : notPending('withdrawn'),
    );
  }

  withdrawActivation(who: string, id: string): Promise<Activation> {
    return this.#change('activation', id, who, 'activation.withdrawn', (one: Activation, now) =>
      withdraw(one, who, now),
    );
  }

  async grantWaiver(who: string, wanted: NewWaiver): Promise<WaiverRecord> {
    const { secondPerson, reason, ...scope } = wanted;
    const at = this.#deps.now();
    const request = newRequest(who, at, reason, this.#expiry(secondPerson, who, at));
    const waiver: WaiverRecord = { id: this.#deps.id('wvr'), ...scope, ...request, revoked: null };
    await this.#make('waiver', waiver, waiver.tenant, who, 'waiver.granted');
    return waiver;
  }

  decideWaiver(who: string, id: string, verdict: 'approved' | 'rejected'): Promise<WaiverRecord> {
    return this.#change('waiver', id, who, `waiver.${verdict}`, (one: WaiverRecord, now) =>
      one.revoked === null ? decideOn(one, who, verdict, now) : notPending('revoked'),
    );
  }

  revokeWaiver(who: string, id: string): Promise<WaiverRecord> {
    return this.#change('waiver', id, who, 'waiver.revoked', (one: WaiverRecord, now) =>
      revokeWaiver(one, who, now, this.#deps.seen()),
    );
  }

  async recordEvent(
    who: string,
    given: Pick<ContractEvent, 'event' | 'date' | 'source'>,
    secondPerson: boolean,
  ): Promise<ContractEvent> {
    const recordedAt = this.#deps.now();
    const expiresAt = this.#expiry(secondPerson, who, recordedAt);
    const event: ContractEvent = {
      id: this.#deps.id('evt'),
      ...given,
      recordedBy: who,
      recordedAt,
      retracted: null,
      ...(expiresAt !== null && { expiresAt }),
    };
    await this.#make('contract_event', event, null, who, 'event.recorded');
    return event;
  }

  decideEvent(who: string, id: string, verdict: 'approved' | 'rejected'): Promise<ContractEvent> {
    return this.#change('contract_event', id, who, `event.${verdict}`, (one: ContractEvent, now) =>
      decideEvent(one, who, verdict, now),
    );
  }

  retractEvent(who: string, id: string): Promise<ContractEvent> {
    return this.#change('contract_event', id, who, 'event.retracted', (one: ContractEvent, now) =>
      retract(one, who, now),
    );
  }

  /** One record a right, so that of two moves at once one is told no (V2): together they might be what cannot be. */
  async moveRight(who: string, id: string, move: NewMove, secondPerson: boolean): Promise<Right> {
    const { now } = this.#deps;
    const { firstRefusals } = this.inForce;
    const to = (right: Right, at: number): Right =>
      makeMove(right, move, newRequest(who, at, null, this.#expiry(secondPerson, who, at)), firstRefusals);
    const action = `first_refusal.${PAST[move.kind]}`;
    await this.refresh();
    if (this.#rights.some(({ value }) => value.id === id)) return this.#change('first_refusal', id, who, action, to);
    const right = to({ id, moves: [] }, now());
    await this.#make('first_refusal', right, null, who, action);
    return right;
  }

  decideRight(who: string, id: string, how: 'approved' | 'rejected' | 'retracted'): Promise<Right> {
    const { firstRefusals } = this.inForce;
    return this.#change('first_refusal', id, who, `first_refusal.${how}`, (right: Right, now) =>
      how === 'retracted' ? retractMove(right, who, now) : decideMove(right, who, how, now, firstRefusals),
    );
  }

  /** Takes up what the configuration settles, at a start. Where a second person is required, an edit of it is a request like any other. */
  async takeSettings(): Promise<void> {
    const { configured, now, approvalMs } = this.#deps;
    const at = now();
    const { how } = taking(configured, this.settings, at);
    if (how === 'nothing') return;
    const request = newRequest('config', at, null, how === 'ask' ? at + approvalMs : null);
    const record: SettingsRecord = { id: this.#deps.id('cfg'), settings: settingsOf(configured), ...request };
    await this.#make('settings', record, null, 'config', 'settings.requested');
  }

  decideSettings(who: string, id: string, verdict: 'approved' | 'rejected'): Promise<SettingsRecord> {
    return this.#change('settings', id, who, `settings.${verdict}`, (one: SettingsRecord, now) =>
      decideSettings(one, who, verdict, now),
    );
  }

  /** The contracts of the configuration are nobody's request: they are what the operator starts with. */
  #expiry(asked: boolean, who: string, at: number): number | null {
    return who !== 'config' && (asked || this.inForce.requireSecondPerson) ? at + this.#deps.approvalMs : null;
  }

  async #make<T extends { readonly id: string }>(
    kind: ControlKind,
    value: T,
    tenant: string | null,
    who: string,
    action: string,
  ): Promise<void> {
    await this.refresh();
    if (this.#kept(kind).length >= MAX_RECORDS)
      throw perdureError('invalid_request', `This server keeps at most ${MAX_RECORDS} records of a kind.`);
    await this.#put(
      { kind, id: value.id, tenant, version: 1, body: bodyOf(value) },
      this.#entry(value, tenant, who, action),
    );
  }

  async #change<T extends { readonly id: string }>(
    kind: ControlKind,
    id: string,
    who: string,
    action: string,
    to: (value: T, now: number) => T,
  ): Promise<T> {
    await this.refresh();
    const kept = this.#kept(kind).find(({ value }) => value.id === id) as Kept<T> | undefined;
    if (kept === undefined) throw perdureError(ABSENT[kind], `There is no '${id.slice(0, 64)}'.`);
    const { tenant, version } = kept;
    const value = to(kept.value, this.#deps.now());
    const record = { kind, id, tenant, version: version + 1, body: bodyOf(value) };
    await this.#put(record, this.#entry(value, tenant, who, action));
    return value;
  }

  async #put(record: ControlRecord, entry: AuditEntry): Promise<void> {
    const done = await this.#deps.store.putRecord(record, entry);
    await this.refresh();
    if (!done) throw perdureError('record_changed');
  }

  #entry(value: { readonly id: string }, tenant: string | null, who: string, action: string): AuditEntry {
    return auditEntry({ at: this.#deps.now(), actor: actorOf(who), action, subject: value.id, tenant, body: value });
  }

  #kept(kind: ControlKind): readonly Kept<{ readonly id: string }>[] {
    return {
      activation: this.#activations,
      waiver: this.#waivers,
      contract_event: this.#events,
      first_refusal: this.#rights,
      settings: this.#settings,
    }[kind];
  }

  /** What this program wrote, read back. */
  async #read<T>(kind: ControlKind): Promise<readonly Kept<T>[]> {
    const records = await this.#deps.store.records(kind);
    return records.map(({ body, tenant, version }) => ({ value: JSON.parse(body) as T, tenant, version }));
  }
}

const ABSENT = {
  activation: 'activation_not_found',
  waiver: 'waiver_not_found',
  contract_event: 'contract_event_not_found',
  first_refusal: 'right_not_found',
  settings: 'settings_not_found',
} as const satisfies Record<ControlKind, string>;

const PAST = { offer: 'offered', accept: 'accepted', decline: 'declined' } as const;

function notPending(state: string): never {
  throw perdureError('not_pending', `It is not pending: it was ${state}.`);
}

function bodyOf(value: object): string {
  const body = JSON.stringify(value);
  if (body.length <= MAX_BODY_CHARS) return body;
  throw perdureError(
    'invalid_request',
    `This record would have ${body.length} characters; at most ${MAX_BODY_CHARS} are kept.`,
  );
}
