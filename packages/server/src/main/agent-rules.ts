/** Permissions, approvals and webhooks of a running server, put together. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../engine/ports.ts';
import { followFeed } from '../engine/feed/follow.ts';
import type { Approvals } from '../engine/tools/approvals.ts';
import type { ToolDesk } from '../engine/tools/desk.ts';
import type { ApprovalView } from '../http/perdure/approval-view.ts';
import type { WebhookView } from '../http/perdure/webhook-view.ts';
import { makeSender } from '../provider/webhook/deliver.ts';
import type { HomeStore } from '../store/home-store.ts';
import { makeApprovalDesk } from './approvals/desk.ts';
import { approvalProjection } from './approvals/projection.ts';
import type { Config } from './config/config.ts';
import { CEDAR_APART } from './govern/cedar-apart.ts';
import { openPermissions } from './permissions/permissions.ts';
import { ruleReviewer } from './permissions/review.ts';
import { WebhookBook } from './webhooks/book.ts';
import { startDeliveries } from './webhooks/deliveries.ts';
import { makeWebhookDesk } from './webhooks/desk.ts';
import { messageIds, webhookMessages } from './webhooks/messages.ts';
import { secretBox } from './webhooks/secrets.ts';

export interface AgentRulesParts {
  /** The first is the control home. */
  readonly stores: readonly HomeStore[];
  readonly doors: Omit<Approvals, 'read'>;
  /** That of the data folder. */
  readonly sealKey: Uint8Array;
  readonly clock: Clock;
  readonly report: (what: string, error: unknown) => void;
  readonly log: (line: string) => void;
}

export interface RunningAgentRules {
  readonly views: { readonly approvals: ApprovalView; readonly webhooks: WebhookView };
  close(): Promise<void>;
}

/** Between two looks at the log, ms. Who asks for approvals does not wait for it. */
const FOLLOW_MS = 250;
const CHANCE_BYTES = 4;
const HOUR_MS = 3_600_000;

/**
 * What permits tools, and reviews them. The text of the policies is kept under their version, which approvals name.
 * @throws PermissionsError
 */
export async function toolRules(
  config: Pick<Config, 'permissions' | 'review'>,
  control: Pick<HomeStore, 'putDocument'>,
): Promise<Pick<ToolDesk, 'policy' | 'reviewer' | 'review'>> {
  const permissions = openPermissions(config.permissions, () => CEDAR_APART);
  await control.putDocument(permissions.version, permissions.document);
  return { policy: permissions, reviewer: ruleReviewer(permissions), review: config.review };
}

export async function startAgentRules(
  config: Config,
  { stores, doors, sealKey, clock, report, log }: AgentRulesParts,
): Promise<RunningAgentRules> {
  const { limits } = config;
  const [control] = stores;
  if (control === undefined) throw new Error('a deployment needs a home');
  const now = (): number => clock.now();
  const next = messageIds(now, () => randomBytes(CHANCE_BYTES).toString('hex'));
  const book = await WebhookBook.open(control, { box: secretBox(sealKey), configured: config.webhooks, now });
  const deliveries = startDeliveries({
    book,
    store: control,
    sender: makeSender(limits.alertTimeoutMs, now),
    now,
    retryMs: limits.alertRetryMs,
    failingMs: limits.webhookFailingHours * HOUR_MS,
    random: Math.random,
    report,
    log,
  });
  const feed = followFeed({
    homes: stores,
    control,
    consumers: [approvalProjection(control), webhookMessages(book, next, ids => deliveries.wake(ids))],
    everyMs: FOLLOW_MS,
    now,
    report,
    log,
  });
  return {
    views: {
      approvals: makeApprovalDesk({ homes: stores, control, feed, doors, rules: config.approvals, now }),
      webhooks: makeWebhookDesk({ book, store: control, deliveries, egress: config.egress, now, next }),
    },
    async close() {
      await feed.close();
      await deliveries.close();
    },
  };
}
