/** Activations, waivers and events as the wire shows them. */
import type {
  ActivationResource,
  AuditResource,
  ContractEventResource,
  RightMove,
  RightResource,
  SettingsResource,
  WaiverResource,
} from '@perdure/protocol';
import type { AuditRow } from '../../engine/control-records.ts';
import { dayOf } from '../../kernel/day.ts';
import { type Activation, activationState, holding, inForceFrom } from './activation.ts';
import type { FirstRefusal, RecordedEvent } from '../../placement/facts.ts';
import { type ContractEvent, eventState, requestOf } from './contract-event.ts';
import type { EventsAsked } from './events-asked.ts';
import type { Request } from './request.ts';
import { type Move, moveState, refusalFacts, type Right, rightStates } from './right.ts';
import { type SettingsRecord, settingsState } from './settings.ts';
import { type WaiverRecord, waiverState } from './waiver.ts';

const seconds = (ms: number): number => Math.floor(ms / 1000);
const secondsOrNull = (ms: number | null | undefined): number | null => (ms == null ? null : seconds(ms));

function requested({ reason, requestedBy, requestedAt, expiresAt, decided }: Request) {
  return {
    reason,
    requested_by: requestedBy,
    requested_at: seconds(requestedAt),
    second_person: expiresAt !== null,
    decided_by: decided?.by ?? null,
    decided_at: secondsOrNull(decided?.at),
    expires_at: secondsOrNull(expiresAt),
  };
}

/**
 * @param holds the id of the one that holds now
 * @param configured whether what is settled of the configuration enforces: refusals are enforced only if both say so
 */
export function activationResource(
  activation: Activation,
  holds: string | null,
  now: number,
  configured: boolean,
): ActivationResource {
  const { id, contracts, reading, enforce } = activation;
  return {
    id,
    object: 'perdure.activation',
    state: activationState(activation, holds, now),
    effective_at: seconds(inForceFrom(activation, now) ?? activation.effective),
    contracts,
    reading,
    enforce,
    enforced: enforce && configured,
    ...requested(activation),
  };
}

/** Newest first. @param all in the order in which they were made */
export function activationResources(
  all: readonly Activation[],
  now: number,
  configured: boolean,
): readonly ActivationResource[] {
  const holds = holding(all, now);
  return all.map(one => activationResource(one, holds, now, configured)).toReversed();
}

export function waiverResource(waiver: WaiverRecord, real: number, seen: number): WaiverResource {
  const { id, contract, clause, tenant, product, target, from, until, revoked } = waiver;
  return {
    id,
    object: 'perdure.waiver',
    state: waiverState(waiver, real, seen),
    contract,
    clause,
    tenant,
    product,
    target,
    from: seconds(from),
    until: seconds(until),
    ...requested(waiver),
    revoked_by: revoked?.by ?? null,
    revoked_at: secondsOrNull(revoked?.at),
  };
}

/** @param asked event -> who asks for it */
export function contractEventResource(one: ContractEvent, now: number, asked: EventsAsked): ContractEventResource {
  const { id, event, date, source, retracted } = one;
  const { reason: _reason, requested_by, requested_at, ...rest } = requested(requestOf(one));
  return {
    id,
    object: 'perdure.contract_event',
    state: eventState(one, now),
    event,
    date: dayOf(date),
    source,
    recorded_by: requested_by,
    recorded_at: requested_at,
    ...rest,
    retracted_by: retracted?.by ?? null,
    retracted_at: secondsOrNull(retracted?.at),
    asked_by: asked.get(event) ?? [],
  };
}

/** One that the configuration says. */
export function configuredEventResource(
  { id, date, source }: RecordedEvent,
  asked: EventsAsked,
): ContractEventResource {
  const head = { id: `config:${id}`, object: 'perdure.contract_event', state: 'recorded' } as const;
  return { ...head, event: id, date, source, ...UNASKED, asked_by: asked.get(id) ?? [] };
}

/** @param accepted those in force: found once for all that are shown */
export function settingsResource(
  record: SettingsRecord,
  accepted: SettingsRecord | null,
  now: number,
): SettingsResource {
  const { asOf, enforce, events, firstRefusals, onAmbiguity, requireSecondPerson } = record.settings;
  return {
    id: record.id,
    object: 'perdure.settings',
    state: settingsState(record, accepted, now),
    enforce,
    on_ambiguity: onAmbiguity,
    as_of: asOf?.text ?? null,
    require_second_person: requireSecondPerson,
    events: events.map(({ id, date, source }) => ({ id, date, source })),
    first_refusals: firstRefusals.map(({ id, product, offered, deadline, answer, source }) => ({
      id,
      product,
      offered,
      deadline,
      answer: answer === null ? null : { kind: answer.kind, date: answer.date },
      source,
    })),
    ...requested(record),
  };
}

const UNASKED = {
  recorded_by: 'config',
  recorded_at: null,
  second_person: false,
  decided_by: null,
  decided_at: null,
  expires_at: null,
  retracted_by: null,
  retracted_at: null,
} as const;

/** What the configuration says, as moves. */
function configuredMoves({ product, offered, deadline, answer, source }: FirstRefusal): readonly RightMove[] {
  const common = { state: 'counted', product, source, ...UNASKED } as const;
  const offer: RightMove = { move: 'offer', date: offered, deadline, ...common };
  if (answer === null) return [offer];
  const kind = answer.kind === 'accepted' ? 'accept' : 'decline';
  return [offer, { move: kind, date: answer.date, deadline: null, ...common }];
}

function moveResource(move: Move, now: number): RightMove {
  const { kind, product, date, deadline, source, retracted } = move;
  const { reason: _reason, requested_by, requested_at, ...rest } = requested(move);
  return {
    move: kind,
    state: moveState(move, now),
    product,
    date,
    deadline,
    source,
    recorded_by: requested_by,
    recorded_at: requested_at,
    ...rest,
    retracted_by: retracted?.by ?? null,
    retracted_at: secondsOrNull(retracted?.at),
  };
}

/** @param askedBy ids of contracts, @param real the real time, @param seen the time that contracts see */
export function rightResource(
  right: Right,
  configured: readonly FirstRefusal[],
  askedBy: readonly string[],
  real: number,
  seen: number,
): RightResource {
  const own = configured.filter(({ id }) => id === right.id);
  return {
    id: right.id,
    object: 'perdure.right',
    asked_by: askedBy,
    states: rightStates([...own, ...refusalFacts([right], real)], right.id, seen),
    moves: [...own.flatMap(configuredMoves), ...right.moves.map(move => moveResource(move, real))],
  };
}

/** @param name of the key that made it, @param leaf of the ledger; null where there is none */
export function auditResource(row: AuditRow, name: string | null, leaf: number | null): AuditResource {
  const { position, at, actor, action, subject, tenant, body, digest } = row;
  return {
    object: 'perdure.audit_entry',
    position,
    at,
    actor,
    actor_name: name,
    action,
    subject,
    tenant,
    body,
    digest,
    leaf,
  };
}
