/** A change of a comparison as JSON: its witness has all that a case of `cases.yaml` needs. */
import type { Change, Side, Witness } from '../placement/compare.ts';
import type { Exclusion } from '../placement/decision.ts';
import type { FirstRefusal } from '../placement/facts.ts';
import { momentText } from '../placement/moments.ts';

export function changeJson({ when, before, after, classes, witness }: Change): object {
  return { when, before, after, classes, witness: witnessJson(witness) };
}

function witnessJson({ action, facts, said, classes, places }: Witness): object {
  const { session, recorded } = facts;
  return {
    action,
    said,
    facts: {
      // A sale has no model, and no tenant yet.
      vendor: facts.vendor || null,
      product: session.product,
      channel: session.channel,
      segment: session.segment,
      stored: session.stateHeld,
      purpose: facts.purpose,
      tenant: session.tenant || null,
      session_labels: facts.sessionLabels,
      request_labels: facts.requestLabels,
      at: momentText(facts.at),
      events: Object.fromEntries(recorded.events.map(({ id, date }) => [id, date])),
      first_refusals: recorded.firstRefusals.map(offerJson),
      spend: facts.spend ?? null,
      use: session.use ?? null,
      tool: action === 'execute' ? (facts.tool ?? null) : null,
      destination: action === 'egress' ? (facts.destination ?? null) : null,
    },
    classes: { a: classes[0], b: classes[1] },
    places: places.map(({ place, before, after }) => ({
      place: place?.id ?? null,
      where: place === null ? null : whereJson(place),
      a: saidJson(before),
      b: saidJson(after),
    })),
  };
}

/** As a case says it. */
function offerJson({ id, product, offered, deadline, answer }: FirstRefusal): object {
  return { id, ...(product !== null && { product }), offered, deadline, ...(answer && { [answer.kind]: answer.date }) };
}

function whereJson(place: NonNullable<Witness['places'][number]['place']>): object {
  const { cloud, region, jurisdiction, sovereignty, clearances } = place;
  return { cloud, region, jurisdiction, sovereignty, clearances };
}

function saidJson({ outcome, by, permits, flagged }: Side): object {
  return { outcome, by: by.map(reasonJson), permits: permits.map(reasonJson), flagged: flagged.map(reasonJson) };
}

function reasonJson(reason: Exclusion): object {
  return reason.kind === 'clause'
    ? { kind: reason.kind, contract: reason.contract, clause: reason.clause, cite: reason.cite }
    : reason;
}
