/** What a running server tells of calls that nobody makes, and of what was recorded. */
import {
  type DecisionFacts,
  type ExplainRequest,
  type ExplanationResource,
  perdureError,
  type PerdureError,
  type ReportQuery,
} from '@perdure/protocol';
import { datetimeMs } from '../contract/instant.ts';
import type { PlacementDesk } from '../engine/placement-desk.ts';
import type { SpendDesk } from '../engine/spend.ts';
import type { ExplainView } from '../http/perdure/explain-view.ts';
import type { TenantId } from '../kernel/ids.ts';
import type { Purpose, Segment, ShadowPrices } from '../placement/facts.ts';
import type { Config } from './config/config.ts';
import * as defaults from './config/defaults.ts';
import { type RecordedHome, recordedOf, type RecordedPage, type Window } from './evidence/recorded.ts';
import { type Asker, type AskerGiven, askerOf, type AskerStore } from './explain-asker.ts';
import { explainHypothetical, type HypotheticalCall, type KnownNow, supposing, UnknownFact } from './explain.ts';
import { callJson, explanationJson, textOf } from './explain-text.ts';
import type { LoadedEra } from './govern/active-contracts.ts';
import { booksOfMonths } from './money/books.ts';
import { ContractsError, parseDocument, snapshotOfDocument } from './snapshots.ts';

export interface ExplainViewOptions {
  readonly config: Config;
  readonly active: () => LoadedEra;
  readonly desk: Pick<PlacementDesk, 'health'>;
  readonly spend: () => Pick<SpendDesk, 'fact'>;
  readonly shadow: () => ShadowPrices | undefined;
  readonly stores: readonly RecordedHome[];
  readonly control: AskerStore;
  readonly now: () => number;
  /** Placements that one report reads. Absent: `REPORTED_MOST`. */
  readonly reportedMost?: number;
}

/** Placements that one report reads over HTTP: some seconds. What holds more is asked for in shorter windows, or read from the folder. */
export const REPORTED_MOST = 100_000;
const DEFAULT_TOKENS = 1000;

export function makeExplainView(options: ExplainViewOptions): ExplainView {
  const { config, active, desk } = options;
  const known = (tenant: string): KnownNow => ({
    spend: options.spend().fact(tenant) ?? null,
    health: desk.health(),
    shadow: options.shadow() ?? null,
  });
  /** L10: keys and agents of the tenant alone. */
  async function askedBy({ key, scopes, agent }: ExplainRequest, tenant: TenantId): Promise<Asker> {
    const given: AskerGiven = {
      ...(key !== undefined && { key }),
      ...(scopes !== undefined && { scopes }),
      ...(agent !== undefined && { agent }),
    };
    try {
      return await askerOf(config, options.control, given, tenant, tenant);
    } catch (error) {
      if (error instanceof UnknownFact) throw invalid(null, error.message);
      throw error;
    }
  }
  return {
    known: tenant => wireKnown(tenant, active(), known(tenant)),
    async explain(tenant, request) {
      const asker = await askedBy(request, tenant);
      const { loaded, activation } = active();
      const call = callOf(config, tenant, request, options.now(), asker);
      const now = known(tenant);
      const seen = request.spend === undefined ? now : { ...now, spend: request.spend };
      const document = supposing(parseDocument(loaded.document), {
        reading: request.reading ?? null,
        events: (request.events ?? []).map(event => ({ ...event, source: 'supposed' })),
        rights: request.rights ?? [],
        at: call.at,
      });
      try {
        // What is in force is loaded already; where nothing is supposed, it decides.
        const text = JSON.stringify(document);
        const supposed = text === loaded.document ? loaded : snapshotOfDocument(document);
        const explanation = explainHypothetical(config, supposed, call, seen);
        return {
          object: 'perdure.explanation',
          basis: { source: 'active', activation: activation.id },
          call: callJson(call, document, seen) as ExplanationResource['call'],
          ...explanationJson(explanation),
          text: textOf(explanation),
          warnings: asker.warnings,
        };
      } catch (error) {
        if (error instanceof UnknownFact || error instanceof ContractsError) throw invalid(null, error.message);
        throw error;
      }
    },
    async report(name, tenant, query) {
      const window = windowOf(tenant, query);
      // Anew each time: what a session did is asked as of the window's end.
      const data = recordedOf(options.stores);
      const bounded = { ...data, pages: (all: Window) => atMost(data.pages(all, null), options.reportedMost) };
      const books = booksOfMonths(config);
      // An idle server does not hold them.
      switch (name) {
        case 'statefulness':
          return (await import('./evidence/statefulness.ts')).statefulness(bounded, window, books);
        case 'visibility':
          return (await import('./evidence/visibility.ts')).visibility(bounded, window, books);
        case 'lock-in':
          return (await import('./evidence/lock-in.ts')).lockIn(bounded, window, books);
      }
    },
  };
}

async function* atMost(pages: AsyncIterable<RecordedPage>, most = REPORTED_MOST): AsyncGenerator<RecordedPage> {
  let seen = 0;
  for await (const page of pages) {
    seen += page.placements.length;
    if (seen > most)
      throw invalid(
        'from',
        `The window holds more than ${most} placements: ask for a shorter one, or run "perdure report" on the data folder.`,
      );
    yield page;
  }
}

function invalid(param: string | null, message: string): PerdureError {
  return perdureError('invalid_request', message, param === null ? {} : { param });
}

function wireKnown(tenant: TenantId, { activation }: LoadedEra, { spend, health, shadow }: KnownNow): DecisionFacts {
  return {
    object: 'perdure.decision_facts',
    activation: activation.id,
    tenant,
    spend,
    health: Object.fromEntries(
      Object.entries(health ?? {}).map(([id, one]) => [
        id,
        {
          state: one.state,
          in_flight: one.inFlight,
          expected_latency_ms: one.expectedLatencyMs,
          retry_after_ms: one.retryAfterMs ?? null,
        },
      ]),
    ),
    shadow_ppm: shadow ?? {},
  };
}

function callOf(
  config: Config,
  tenant: TenantId,
  request: ExplainRequest,
  now: number,
  { of, principal, agent }: Asker,
): HypotheticalCall {
  return {
    asked: askedOf(request),
    tenant,
    model: request.model ?? config.targets[0]?.model ?? '',
    product: request.product ?? of?.product ?? defaults.DEFAULT_PRODUCT,
    channel: request.channel ?? of?.channel ?? defaults.DEFAULT_CHANNEL,
    segment: (request.segment ?? of?.segment ?? defaults.DEFAULT_SEGMENT) as Segment,
    stateHeld: request.stored ?? true,
    purpose: (request.purpose ?? 'turn') as Purpose,
    labels: request.labels ?? [],
    requestLabels: request.request_labels ?? [],
    at: momentOf('as_of', request.as_of) ?? config.asOf?.ms ?? now,
    inputTokens: request.input_tokens ?? DEFAULT_TOKENS,
    outputTokens: request.output_tokens ?? DEFAULT_TOKENS,
    agent,
    principal,
  };
}

function askedOf({ action = 'infer', tool, destination }: ExplainRequest): HypotheticalCall['asked'] {
  if (action === 'infer') return { action };
  if (action === 'execute') {
    if (tool === undefined) throw invalid('tool', "'execute' wants a tool.");
    return { action, tool: { name: tool.name, origin: tool.origin ?? 'builtin' } };
  }
  if (destination === undefined) throw invalid('destination', "'egress' wants a destination.");
  return { action, destination: { host: destination.host, use: destination.use ?? 'web' } };
}

function windowOf(tenant: TenantId | null, { from, to }: ReportQuery): Window {
  return { from: momentOf('from', from), to: momentOf('to', to), tenant };
}

function momentOf(param: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = datetimeMs(text);
  if (ms !== null) return ms;
  throw invalid(param, `'${param}' must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, in UTC.`);
}
