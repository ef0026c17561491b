/** Writes events of agents' sessions as the engine would, for who reads them: a session each, in a store of its own or given. */
import { createHash, randomBytes } from 'node:crypto';
import { approvalId } from '../../engine/tools/approval-id.ts';
import { base32, type HomeId, homeTag, type SessionId, type TenantId } from '../../kernel/ids.ts';
import { CODEC_VERSION, encodeHead, EVENT_CODES } from '../../log/codec.ts';
import type { EventBody } from '../../log/events.ts';
import type { HomeStore } from '../../store/home-store.ts';

export const NOON = 1_774_008_000_000;
export const HOME = 'local' as HomeId;
const WEEK_MS = 7 * 24 * 3_600_000;

export interface WrittenSession {
  readonly tenant: TenantId;
  readonly session: SessionId;
  seq: number;
  /** The session that owns it, of a sub-agent's. */
  readonly owner?: SessionId;
}

export class LogWriter {
  readonly #store: HomeStore;
  #made = 0;
  at: number = NOON;

  constructor(store: HomeStore) {
    this.#store = store;
  }

  session(tenant = 'acme', owner?: WrittenSession): WrittenSession {
    this.#made += 1;
    const body = `${base32(NOON, 10)}${homeTag(HOME)}${base32(this.#made, 14)}`;
    return {
      tenant: tenant as TenantId,
      session: `sess_${body}` as SessionId,
      seq: 0,
      ...(owner && { owner: owner.session }),
    };
  }

  async write(to: WrittenSession, bodies: readonly EventBody[], actor = 'engine'): Promise<void> {
    const { tenant, session, seq } = to;
    const events = bodies.map((body, i) => {
      const payload = body.payload === null ? null : JSON.stringify(body.payload);
      const salt = payload === null ? null : new Uint8Array(randomBytes(16));
      const digest = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
      return {
        seq: seq + 1 + i,
        epoch: 1,
        at: this.at,
        actor,
        code: EVENT_CODES[body.type],
        version: CODEC_VERSION,
        head: encodeHead(body),
        payload,
        salt,
        payloadDigest: payload === null ? null : digest(payload),
        digest: digest(`${session} ${seq + i}`),
      };
    });
    const result = await this.#store.append({
      tenant,
      session,
      expectedSeq: seq,
      expectedEpoch: seq === 0 ? 0 : 1,
      events,
      changes: [],
      row: {
        tenant,
        session,
        kind: 'agent',
        seq: seq + events.length,
        epoch: 1,
        owner: 'proc_1',
        open: false,
        ended: false,
        wakeAt: null,
        createdAt: NOON,
        updatedAt: this.at,
        state: JSON.stringify({
          agent: { id: 'agt_1', version: 3, seq: 2 },
          ...(to.owner !== undefined && { subagent: { owner: to.owner, parent: null, depth: 1 } }),
        }),
        digest: events.at(-1)?.digest ?? new Uint8Array(32),
      },
      prune: false,
    });
    if (!result.ok) throw new Error(result.reason);
    to.seq += events.length;
  }

  /** A turn of `key:asker` up to where it asks whether a tool may run; the approval's id. */
  async asks(
    to: WrittenSession,
    over: { readonly tool?: string; readonly why?: 'outcome_unknown' | 'network' } = {},
  ): Promise<string> {
    const { tool = 'send_mail', why } = over;
    const callId = `call_${to.seq}`;
    const item = {
      type: 'function_call',
      id: `fc_${to.seq}`,
      call_id: callId,
      name: tool,
      arguments: '{"to":"x@b.test"}',
    };
    const before: readonly EventBody[] = [
      {
        type: 'turn.started',
        head: {
          response: 'resp_1' as never,
          model: 'm',
          background: true,
          streamed: false,
          tools: null,
          instructions: null,
        },
        payload: null,
      },
    ];
    await this.write(to, before, 'key:asker');
    const approval = approvalId(to.session, to.seq + 3);
    await this.write(to, [
      {
        type: 'call.completed',
        head: {
          call: 1,
          outcome: 'completed',
          reason: null,
          usage: { input: 1, cached: 0, output: 1, reasoning: 0 },
          upstream: { response: null, request: null },
          count: 1,
          calls: [callId],
        },
        payload: { items: [item], deltas: null },
      },
      {
        type: 'tool.requested',
        head: { callId, tool, idempotent: false, arguments: `digest-${callId}`, definition: 'def' },
        payload: null,
      },
      {
        type: 'approval.requested',
        head: {
          approval,
          callId,
          arguments: `digest-${callId}`,
          policy: 'p1',
          expiresAt: this.at + WEEK_MS,
          definition: 'def',
          agentVersion: 3,
          ...(why !== undefined && { why }),
        },
        payload: null,
      },
    ]);
    return approval;
  }
}
