/** What the routes about webhooks need. Made by main. */
import type {
  CreateWebhook,
  RotateWebhook,
  TestWebhook,
  WebhookDelivery,
  WebhookPage,
  WebhookResource,
  WebhookTested,
  WebhookWithSecret,
} from '@perdure/protocol';
import type { Caller } from '../../engine/caller.ts';

export interface WebhookPageQuery {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  readonly after?: string;
}

export interface WebhookView {
  list(who: Caller, query: WebhookPageQuery): Promise<WebhookPage<WebhookResource>>;
  get(who: Caller, id: string): Promise<WebhookResource>;
  create(who: Caller, wanted: CreateWebhook): Promise<WebhookWithSecret>;
  delete(who: Caller, id: string): Promise<void>;
  rotate(who: Caller, id: string, how: RotateWebhook): Promise<WebhookWithSecret>;
  /** Tells a disabled one again, from the first that it missed. */
  enable(who: Caller, id: string): Promise<WebhookResource>;
  test(who: Caller, id: string, what: TestWebhook): Promise<WebhookTested>;
  deliveries(who: Caller, id: string, query: WebhookPageQuery): Promise<WebhookPage<WebhookDelivery>>;
}
