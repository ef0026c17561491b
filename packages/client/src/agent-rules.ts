/** Approvals of tool calls, and webhooks: `/perdure/v1/approvals` and `/perdure/v1/webhooks`. */
import {
  type ApprovalDetail,
  approvalDetailSchema,
  type ApprovalPage,
  approvalPageSchema,
  type ApprovalQuery,
  type ApprovalResource,
  approvalSchema,
  type CreateWebhook,
  type DenyApproval,
  type GrantApproval,
  type ResolveApproval,
  type RotateWebhook,
  type TestWebhook,
  type WebhookDeleted,
  webhookDeletedSchema,
  type WebhookDelivery,
  webhookDeliveryPageSchema,
  type WebhookPage,
  webhookPageSchema,
  type WebhookResource,
  webhookSchema,
  type WebhookTested,
  webhookTestedSchema,
  type WebhookWithSecret,
  webhookWithSecretSchema,
} from '@perdure/protocol';
import type { CallOptions } from './client.ts';
import type { Exchange, Schema } from './request.ts';

export type ApprovalListQuery = Partial<ApprovalQuery>;

export interface WebhookListQuery {
  readonly limit?: number;
  readonly order?: 'asc' | 'desc';
  readonly after?: string;
}

export interface AgentRulesClient {
  readonly approvals: {
    list(query?: ApprovalListQuery, options?: CallOptions): Promise<ApprovalPage>;
    /** All that the query finds, page by page. */
    each(query?: ApprovalListQuery, options?: CallOptions): AsyncIterable<ApprovalResource>;
    /** With its arguments if the key may decide. */
    get(id: string, options?: CallOptions): Promise<ApprovalResource | ApprovalDetail>;
    grant(id: string, how?: GrantApproval, options?: CallOptions): Promise<ApprovalDetail>;
    deny(id: string, how?: DenyApproval, options?: CallOptions): Promise<ApprovalDetail>;
    /** Of a tool of which nobody knows whether it ran. */
    resolve(id: string, how: ResolveApproval, options?: CallOptions): Promise<ApprovalDetail>;
  };
  readonly webhooks: {
    list(query?: WebhookListQuery, options?: CallOptions): Promise<WebhookPage<WebhookResource>>;
    get(id: string, options?: CallOptions): Promise<WebhookResource>;
    /** Its secret is shown this once. */
    create(wanted: CreateWebhook, options?: CallOptions): Promise<WebhookWithSecret>;
    delete(id: string, options?: CallOptions): Promise<WebhookDeleted>;
    rotateSecret(id: string, how?: RotateWebhook, options?: CallOptions): Promise<WebhookWithSecret>;
    enable(id: string, options?: CallOptions): Promise<WebhookResource>;
    test(id: string, what?: TestWebhook, options?: CallOptions): Promise<WebhookTested>;
    deliveries(id: string, query?: WebhookListQuery, options?: CallOptions): Promise<WebhookPage<WebhookDelivery>>;
  };
}

type Send = <Answer>(exchange: Exchange<Answer>) => Promise<Answer>;

const OK: readonly number[] = [200];
/** The longer form first: a schema of ours lets unknown fields go. */
const shown: Schema<ApprovalResource | ApprovalDetail> = {
  safeParse(value) {
    const whole = approvalDetailSchema.safeParse(value);
    return whole.success ? whole : approvalSchema.safeParse(value);
  },
};

export function agentRulesClient(send: Send): AgentRulesClient {
  const ask = <Answer>(
    [method, path]: readonly ['GET' | 'POST' | 'DELETE', string],
    schema: Schema<Answer>,
    own: CallOptions | undefined,
    more: Partial<Pick<Exchange<Answer>, 'query' | 'body'>> = {},
  ): Promise<Answer> =>
    send({ method, path, schema, query: {}, body: null, accept: OK, signal: own?.signal ?? null, ...more });
  const approval = (id: string, way = ''): string => `/perdure/v1/approvals/${encodeURIComponent(id)}${way}`;
  const webhook = (id: string, way = ''): string => `/perdure/v1/webhooks/${encodeURIComponent(id)}${way}`;
  const list: AgentRulesClient['approvals']['list'] = (query, own) =>
    ask(['GET', '/perdure/v1/approvals'], approvalPageSchema, own, { query: { ...query } });

  return {
    approvals: {
      list,
      async *each(query, own) {
        for (let after = query?.after; ; ) {
          const page = await list({ ...query, ...(after !== undefined && { after }) }, own);
          yield* page.data;
          if (!page.has_more || page.last_id === null) return;
          after = page.last_id;
        }
      },
      get: (id, own) => ask(['GET', approval(id)], shown, own),
      grant: (id, how = {}, own) => ask(['POST', approval(id, '/grant')], approvalDetailSchema, own, { body: how }),
      deny: (id, how = {}, own) => ask(['POST', approval(id, '/deny')], approvalDetailSchema, own, { body: how }),
      resolve: (id, how, own) => ask(['POST', approval(id, '/resolve')], approvalDetailSchema, own, { body: how }),
    },
    webhooks: {
      list: (query, own) => ask(['GET', '/perdure/v1/webhooks'], webhookPageSchema, own, { query: { ...query } }),
      get: (id, own) => ask(['GET', webhook(id)], webhookSchema, own),
      create: (wanted, own) => ask(['POST', '/perdure/v1/webhooks'], webhookWithSecretSchema, own, { body: wanted }),
      delete: (id, own) => ask(['DELETE', webhook(id)], webhookDeletedSchema, own),
      rotateSecret: (id, how = {}, own) =>
        ask(['POST', webhook(id, '/rotate_secret')], webhookWithSecretSchema, own, { body: how }),
      enable: (id, own) => ask(['POST', webhook(id, '/enable')], webhookSchema, own),
      test: (id, what = {}, own) => ask(['POST', webhook(id, '/test')], webhookTestedSchema, own, { body: what }),
      deliveries: (id, query, own) =>
        ask(['GET', webhook(id, '/deliveries')], webhookDeliveryPageSchema, own, { query: { ...query } }),
    },
  };
}
