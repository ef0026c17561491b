/** A process that has automations dies at each of its points; the next one finds every run once, and no session twice. */
import { startEmulator } from '@perdure/emulator';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AUTOMATION_KILL_POINTS } from '../../packages/server/src/engine/kill-point.ts';
import { Workplace } from '../support/server-process.ts';
import { MODEL, targetOf } from '../support/stack.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const MINUTE = 60_000;
const SCRIPT = new URL('automation-life.ts', import.meta.url).pathname;

interface Found {
  readonly status: string;
  readonly runs: readonly {
    readonly id: string;
    readonly status: string;
    readonly session: string | null;
    readonly scheduledAt: number;
  }[];
  readonly sessions: readonly string[];
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-automations-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function live(now: number, killPoint = ''): Found | NodeJS.Signals | null {
  const env = { ...process.env, PERDURE_KILL_POINT: killPoint };
  const { signal, stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT, dir, String(now)], { env });
  if (signal !== null) return signal;
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as Found;
}

/** The last two: between the session and its first turn. */
describe.each([...AUTOMATION_KILL_POINTS, 'turn.before-first-commit', 'turn.after-first-commit'])(
  'killed at %s',
  point => {
    test('a single run starts one session of the real server, with one turn', async () => {
      const emulator = await startEmulator({ clouds: ['azure'] });
      const place = new Workplace();
      try {
        place.configure({ data: place.data, targets: [targetOf(emulator, 'azure')] });
        process.env['PERDURE_KILL_POINT'] = point;
        const first = await place.start();
        delete process.env['PERDURE_KILL_POINT'];
        const agentsAt = (url: string) =>
          new OpenAI({ baseURL: `${url}/v1`, apiKey: 'local', maxRetries: 0 }).beta.agents;
        const { id } = await agentsAt(first.url).automations.create({
          type: 'once',
          name: 'once',
          run_at: Math.floor(Date.now() / 1000) + 2,
          target: {
            type: 'new_session',
            agent: { model: MODEL },
            environment: { type: 'none' },
            input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello.' }] }],
          },
        });
        expect((await first.ended).signal).toBe('SIGKILL');
        const { automations, sessions } = agentsAt((await place.start()).url);
        for (const end = Date.now() + 30_000; (await automations.retrieve(id)).status !== 'completed'; ) {
          if (Date.now() > end) throw new Error('it was never completed');
          await new Promise(resolve => setTimeout(resolve, 100));
        }
        const [run] = (await automations.invocations.list(id)).data;
        expect(run).toMatchObject({ status: 'completed', error: null });
        expect((await sessions.list()).data.map(session => session.id)).toEqual([run?.session_id]);
        expect((await sessions.turns.list(run?.session_id ?? '')).data).toHaveLength(1);
      } finally {
        delete process.env['PERDURE_KILL_POINT'];
        await place.close();
        await emulator.close();
      }
    });
  },
);

describe.each(AUTOMATION_KILL_POINTS)('killed at %s', point => {
  test('those of a schedule come once each, killed again and again', () => {
    live(START);
    for (let i = 1; i <= 2; i++) expect(live(START + i * MINUTE, point)).toBe('SIGKILL');
    live(START + 2 * MINUTE + 2_000);
    const found = live(START + 3 * MINUTE) as Found;
    const done = found.runs.filter(run => run.status === 'completed');
    expect(found.runs.every(run => run.status === 'completed' || run.status === 'skipped')).toBe(true);
    expect(found.sessions.toSorted()).toEqual(done.map(run => run.id).toSorted());
    expect(found.runs.at(-1)).toMatchObject({ status: 'completed', scheduledAt: START + 3 * MINUTE });
    expect(new Set(found.runs.map(run => run.scheduledAt)).size).toBe(found.runs.length);
  });
});
