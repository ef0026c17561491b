/**
 * A client for what only Perdure has; for all else any OpenAI client will do. Answers are checked against the wire schemas,
 * and everything that goes wrong is a `PerdureError`, with the server's own code where it gave one.
 */
import {
  agentCardSchema,
  auditPageSchema,
  commitmentsSchema,
  contractListSchema,
  contractTextsSchema,
  decisionFactsSchema,
  explanationSchema,
  healthSchema,
  listPageSchema,
  lockInSchema,
  placementPageSchema,
  placementSchema,
  readySchema,
  statefulnessSchema,
  statusSchema,
  targetSchema,
  usageCallPageSchema,
  usageGroupSchema,
  visibilitySchema,
  whatIfSchema,
  type AgentCard,
  type AuditFilters,
  type AuditPage,
  type AuditResource,
  type CommitmentsResource,
  type ContractRecord,
  type ContractTexts,
  type DecisionFacts,
  type ExplainRequest,
  type ExplanationResource,
  type HealthResource,
  type ListPage,
  type LockInReport,
  type PlacementFilters,
  type PlacementPage,
  type PlacementResource,
  type ReadyResource,
  type ReportQuery,
  type StatefulnessReport,
  type StatusResource,
  type TargetResource,
  type UsageCall,
  type UsageGroup,
  type VisibilityReport,
  type WhatIfRequest,
  type WhatIfResult,
} from '@perdure/protocol';
import { agentRulesClient, type AgentRulesClient } from './agent-rules.ts';
import { makeRequester, type Query } from './request.ts';

export interface PerdureClientOptions {
  /** Where the server is: `http://127.0.0.1:8787`. A trailing `/v1`, as OpenAI clients want it, is left off. */
  readonly baseURL: string;
  /** Not needed for a server without keys. */
  readonly apiKey?: string;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long one call may take in all, in ms. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface PlacementListQuery extends PlacementFilters {
  readonly limit?: number;
  readonly order?: 'asc' | 'desc';
  readonly after?: string;
}

export interface AuditListQuery extends AuditFilters {
  /** 1 to 1000; default 100. */
  readonly limit?: number;
  /** A position: what comes behind it. */
  readonly after?: number;
}

export interface AgentCardQuery {
  readonly limit?: number;
  readonly order?: 'asc' | 'desc';
  readonly after?: string;
  /** Another one's, for keys that see all. */
  readonly tenant?: string;
}

export interface UsageListQuery {
  /** A day or a moment, in UTC. Default: the first of this month. */
  readonly from?: string;
  /** Exclusive. Default: now. */
  readonly to?: string;
  /** Default: the key's own; `*` for all, with the scope operator. */
  readonly tenant?: string;
}

export interface PerdureClient extends AgentRulesClient {
  readonly placements: {
    /** @param options `tenant`: whose it is, for keys that see the placements of others */
    get(id: string, options?: CallOptions & { readonly tenant?: string }): Promise<PlacementResource>;
    list(query?: PlacementListQuery, options?: CallOptions): Promise<PlacementPage>;
    /** All that the query finds, page by page. */
    each(query?: PlacementListQuery, options?: CallOptions): AsyncIterable<PlacementResource>;
  };
  readonly targets: { list(options?: CallOptions): Promise<ListPage<TargetResource>> };
  readonly usage: {
    /** Sums by dimensions, in the order of their values. */
    groups(by: readonly string[], query?: UsageListQuery, options?: CallOptions): AsyncIterable<UsageGroup>;
    /** Metered calls, each rated, newest first. */
    calls(query?: UsageListQuery, options?: CallOptions): AsyncIterable<UsageCall>;
  };
  readonly commitments: {
    /** @param to as of when; default: now */
    get(query?: { readonly to?: string }, options?: CallOptions): Promise<CommitmentsResource>;
  };
  readonly status: { get(options?: CallOptions): Promise<StatusResource> };
  readonly explain: {
    /** A call that nobody makes, decided as the server would now. */
    run(call: ExplainRequest, options?: CallOptions): Promise<ExplanationResource>;
    /** What decisions see now beside the call. */
    known(query?: { readonly tenant?: string }, options?: CallOptions): Promise<DecisionFacts>;
  };
  /** For auditors and operators. A window of more placements than a request looks at is `invalid_request`. */
  readonly reports: {
    statefulness(query?: ReportQuery, options?: CallOptions): Promise<StatefulnessReport>;
    visibility(query?: ReportQuery, options?: CallOptions): Promise<VisibilityReport>;
    lockIn(query?: ReportQuery, options?: CallOptions): Promise<LockInReport>;
  };
  /** For auditors and operators: who changed what, oldest first. */
  readonly audit: {
    list(query?: AuditListQuery, options?: CallOptions): Promise<AuditPage>;
    /** All that the query finds, page by page. */
    each(query?: AuditListQuery, options?: CallOptions): AsyncIterable<AuditResource>;
  };
  /** For auditors and operators: the contracts that were ever activated, newest first; one by its digest, with its texts. */
  readonly contracts: {
    list(options?: CallOptions): Promise<readonly ContractRecord[]>;
    get(digest: string, options?: CallOptions): Promise<ContractTexts>;
  };
  /** For auditors and operators: what agents are, and nothing of what they are told. */
  readonly agentCards: { list(query?: AgentCardQuery, options?: CallOptions): Promise<ListPage<AgentCard>> };
  readonly whatif: { run(suppose: WhatIfRequest, options?: CallOptions): Promise<WhatIfResult> };
  readonly health: {
    live(options?: CallOptions): Promise<HealthResource>;
    /** Also when the server is not ready: its `status` says so. */
    ready(options?: CallOptions): Promise<ReadyResource>;
  };
}

const DEFAULT_TIMEOUT_MS = 30_000;
const OK: readonly number[] = [200];
const READY: readonly number[] = [200, 503];

const targetPage = listPageSchema(targetSchema);
const agentCardPage = listPageSchema(agentCardSchema);
const usagePage = listPageSchema(usageGroupSchema);
const USAGE_PAGE = 100;

/** @throws TypeError if `baseURL` is no http address, or `timeoutMs` no positive number */
export function createPerdureClient(options: PerdureClientOptions): PerdureClient {
  const request = makeRequester({
    base: options.baseURL,
    apiKey: options.apiKey ?? null,
    // Bound late, so that a fetch that is replaced afterwards (by instrumentation) is used.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
  const get = <Answer>(
    path: string,
    schema: Parameters<typeof request<Answer>>[0]['schema'],
    query: Query,
    own?: CallOptions,
  ) => request({ method: 'GET', path, query, schema, accept: OK, signal: own?.signal ?? null, body: null });
  const post = <Answer>(
    path: string,
    schema: Parameters<typeof request<Answer>>[0]['schema'],
    body: object,
    own?: CallOptions,
  ) => request({ method: 'POST', path, query: {}, schema, accept: OK, signal: own?.signal ?? null, body });
  const list: PerdureClient['placements']['list'] = (query, own) =>
    get('/perdure/v1/placements', placementPageSchema, { ...query }, own);
  const audit: PerdureClient['audit']['list'] = (query, own) =>
    get('/perdure/v1/audit', auditPageSchema, { ...query }, own);
  return {
    ...agentRulesClient(request),
    audit: {
      list: audit,
      each: (query = {}, own) => eachPage(after => audit({ ...query, ...after }, own), query.after),
    },
    placements: {
      get: (id, own) =>
        get(`/perdure/v1/placements/${encodeURIComponent(id)}`, placementSchema, { tenant: own?.tenant }, own),
      list,
      each: (query = {}, own) => eachPage(after => list({ ...query, ...after }, own), query.after),
    },
    targets: { list: own => get('/perdure/v1/targets', targetPage, {}, own) },
    usage: {
      async *groups(by, query, own) {
        for (let after: string | undefined; ; ) {
          const group = by.length > 0 ? { group_by: by.join(',') } : {};
          const ask = { ...query, ...group, limit: USAGE_PAGE, ...(after !== undefined && { after }) };
          const page = await get('/perdure/v1/usage', usagePage, ask, own);
          yield* page.data;
          if (!page.has_more || page.last_id === null) return;
          after = page.last_id;
        }
      },
      async *calls(query, own) {
        for (let after: string | undefined; ; ) {
          const ask = { ...query, ...(after !== undefined && { after }) };
          const page = await get('/perdure/v1/usage/calls', usageCallPageSchema, ask, own);
          yield* page.data;
          if (page.next === null) return;
          after = page.next;
        }
      },
    },
    commitments: { get: (query, own) => get('/perdure/v1/commitments', commitmentsSchema, { ...query }, own) },
    status: { get: own => get('/perdure/v1/status', statusSchema, {}, own) },
    explain: {
      run: (call, own) => post('/perdure/v1/explain', explanationSchema, call, own),
      known: (query, own) => get('/perdure/v1/explain', decisionFactsSchema, { ...query }, own),
    },
    reports: {
      statefulness: (query, own) => get('/perdure/v1/reports/statefulness', statefulnessSchema, { ...query }, own),
      visibility: (query, own) => get('/perdure/v1/reports/visibility', visibilitySchema, { ...query }, own),
      lockIn: (query, own) => get('/perdure/v1/reports/lock-in', lockInSchema, { ...query }, own),
    },
    contracts: {
      list: async own => (await get('/perdure/v1/contracts', contractListSchema, {}, own)).data,
      get: (digest, own) => get(`/perdure/v1/contracts/${encodeURIComponent(digest)}`, contractTextsSchema, {}, own),
    },
    agentCards: { list: (query, own) => get('/perdure/v1/agents', agentCardPage, { ...query }, own) },
    whatif: {
      run: (suppose, own) => post('/perdure/v1/whatif', whatIfSchema, suppose, own),
    },
    health: {
      live: own => get('/healthz', healthSchema, {}, own),
      ready: own =>
        request({
          method: 'GET',
          path: '/readyz',
          query: {},
          body: null,
          schema: readySchema,
          accept: READY,
          signal: own?.signal ?? null,
        }),
    },
  };
}

interface Paged<Entry, Cursor> {
  readonly data: readonly Entry[];
  readonly next: Cursor | null;
}

/** All entries of a list whose pages say where the next one begins. @param start where the first begins */
async function* eachPage<Entry, Cursor>(
  page: (after: { readonly after?: Cursor }) => Promise<Paged<Entry, Cursor>>,
  start: Cursor | undefined,
): AsyncIterable<Entry> {
  for (let after = start; ; ) {
    const { data, next } = await page(after === undefined ? {} : { after });
    yield* data;
    if (next === null) return;
    after = next;
  }
}
