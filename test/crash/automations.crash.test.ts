/** A process that has automations dies at each of its points; the next one finds every run once, and no session twice. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AUTOMATION_KILL_POINTS } from '../../packages/server/src/engine/kill-point.ts';

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

function live(type: string, now: number, killPoint = ''): Found | NodeJS.Signals | null {
  const env = { ...process.env, PERDURE_KILL_POINT: killPoint };
  const { signal, stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT, dir, String(now), type], { env });
  if (signal !== null) return signal;
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as Found;
}

describe.each(AUTOMATION_KILL_POINTS)('killed at %s', point => {
  test('a single run is neither lost nor made twice', () => {
    live('once', START);
    expect(live('once', START + MINUTE, point)).toBe('SIGKILL');
    const found = live('once', START + 2 * MINUTE) as Found;
    expect(found).toMatchObject({ status: 'completed', runs: [{ status: 'completed', scheduledAt: START + MINUTE }] });
    expect(found.sessions).toEqual([found.runs[0]?.id]);
    expect(found.runs[0]?.session).toBe(`sess_${found.runs[0]?.id}`);
  });

  test('nor are those of a schedule, killed again and again', () => {
    live('periodic', START);
    for (let i = 1; i <= 2; i++) expect(live('periodic', START + i * MINUTE, point)).toBe('SIGKILL');
    live('periodic', START + 2 * MINUTE + 2_000);
    const found = live('periodic', START + 3 * MINUTE) as Found;
    const done = found.runs.filter(run => run.status === 'completed');
    expect(found.runs.every(run => run.status === 'completed' || run.status === 'skipped')).toBe(true);
    expect(found.sessions.toSorted()).toEqual(done.map(run => run.id).toSorted());
    expect(found.runs.at(-1)).toMatchObject({ status: 'completed', scheduledAt: START + 3 * MINUTE });
    expect(new Set(found.runs.map(run => run.scheduledAt)).size).toBe(found.runs.length);
  });
});
