/** Activations, waivers and events as the wire shows them. */
import type { ActivationResource, AuditResource, ContractEventResource, WaiverResource } from '@perdure/protocol';
import type { AuditRow } from '../../engine/control-records.ts';
import { dayOf } from '../../kernel/day.ts';
import { type Activation, activationState, inForceFrom } from './activation.ts';
import type { ContractEvent } from './contract-event.ts';
import type { Request } from './request.ts';
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

export function activationResource(
  activation: Activation,
  all: readonly Activation[],
  now: number,
): ActivationResource {
  const { id, contracts, reading, enforce } = activation;
  return {
    id,
    object: 'perdure.activation',
    state: activationState(activation, all, now),
    effective_at: seconds(inForceFrom(activation, now) ?? activation.effective),
    contracts,
    reading,
    enforce,
    ...requested(activation),
  };
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

export function contractEventResource(one: ContractEvent): ContractEventResource {
  const { id, event, date, source, recordedBy, recordedAt, retracted } = one;
  return {
    id,
    object: 'perdure.contract_event',
    state: retracted === null ? 'recorded' : 'retracted',
    event,
    date: dayOf(date),
    source,
    recorded_by: recordedBy,
    recorded_at: seconds(recordedAt),
    retracted_by: retracted?.by ?? null,
    retracted_at: secondsOrNull(retracted?.at),
  };
}

export function auditResource(row: AuditRow): AuditResource {
  const { position, at, actor, action, subject, tenant, body, digest } = row;
  return { object: 'perdure.audit_entry', position, at, actor, action, subject, tenant, body, digest };
}
