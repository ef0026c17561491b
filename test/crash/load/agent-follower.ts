/** Follows the session that a driver has at the time, over every cut: each event once and in order, from its first to its last. */
import { request } from 'node:http';
import { eventId } from '../../../packages/server/src/http/agents/session-events.ts';
import type { AgentRecord, ShownEvent } from './agent-ledger.ts';
import type { Client } from './client.ts';
import { AnswerLate, ConnectionCut, type Endpoint } from './http.ts';
import { type Load, pause } from './turns.ts';

/** ms between two looks at whether there is still something to follow. */
const LOOK_MS = 25;
/** ms for the head of an answer; what follows may take as long as the session lives. */
const HEAD_MS = 30_000;

/** The event before the first. */
export const firstEvent = (session: string): string => eventId(session, 0, 0);

export interface Following {
  readonly lastEvent: string;
  readonly onEvent: (event: ShownEvent) => void;
  /** Looked at every now and then: true ends it. */
  readonly over: () => boolean;
}

/** Resolves once it is over, or the server has ended the stream, with the status. @throws ConnectionCut, AnswerLate */
export function follow(endpoint: Endpoint, session: string, { lastEvent, onEvent, over }: Following): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = `/v1/agents/sessions/${session}/events`;
    const headers = { accept: 'text/event-stream', 'last-event-id': lastEvent };
    const outgoing = request(new URL(path, endpoint.url), { headers, agent: endpoint.agent });
    let status = 0;
    let done = false;
    const end = (settle: () => void): void => {
      if (done) return;
      done = true;
      clearInterval(look);
      clearTimeout(late);
      settle();
      outgoing.destroy();
    };
    const look = setInterval(() => over() && end(() => resolve(status)), LOOK_MS);
    const late = setTimeout(() => end(() => reject(new AnswerLate(`GET ${path}: no head`))), HEAD_MS);
    const cut = (error: Error): void => end(() => reject(new ConnectionCut(error.message, { cause: error })));
    outgoing.on('error', cut);
    outgoing.on('response', incoming => {
      clearTimeout(late);
      status = incoming.statusCode ?? 0;
      let pending = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (text: string) => {
        if (status !== 200) return;
        pending += text;
        for (let at = pending.indexOf('\n\n'); at >= 0; at = pending.indexOf('\n\n')) {
          const event = eventOf(pending.slice(0, at));
          pending = pending.slice(at + 2);
          if (event !== null && !done) onEvent(event);
        }
      });
      incoming.on('error', cut);
      incoming.on('end', () => end(() => (incoming.complete ? resolve(status) : cut(new Error('cut')))));
      incoming.on('close', () => cut(new Error('closed')));
    });
    outgoing.end();
  });
}

function eventOf(block: string): ShownEvent | null {
  let cursor = '';
  let type = '';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) cursor = line.slice(4);
    if (line.startsWith('event: ')) type = line.slice(7);
    if (line.startsWith('data: ')) data += line.slice(6);
  }
  // Beside the event it says how far the sub-agents were read: that is another for each reader.
  const [id = ''] = cursor.split('.', 1);
  return id === '' ? null : { id, cursor, type, data };
}

/**
 * @param driver of the sessions: there is something to follow as long as it is busy, or will be
 * @param current the session to be followed now; null for none
 */
export function followerClient(load: Load, driver: Client, current: () => AgentRecord | null): Client {
  const name = `${driver.name}-follower`;
  const { violations } = load;
  return {
    name,
    busy: () => driver.busy(),
    async step(endpoint) {
      const record = current();
      if (record === null) return pause(LOOK_MS);
      const lastEvent = record.shown.at(-1)?.cursor ?? firstEvent(record.id);
      const status = await follow(endpoint, record.id, {
        lastEvent,
        over: () => current() !== record,
        onEvent(event) {
          if (record.shownIds.has(event.id))
            violations.add('L2', 'an event came twice', `${name} ${record.id}: ${event.id} ${event.type}`);
          record.shownIds.add(event.id);
          record.shown.push(event);
        },
      });
      if (status === 200 || status === 0 || record.life !== 'open') return pause(LOOK_MS);
      violations.add('L2', `the events of a session were answered ${status}`, `${name} ${record.id} ${lastEvent}`);
      await pause(LOOK_MS);
    },
  };
}
