/**
 * Each attack twice: held with all defences, and through without those that it names. What cannot fail shows nothing.
 * Needs bubblewrap, and a root who can give each workspace a user of its own.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFENCES, type Defence } from '../sandbox/defences.ts';
import { closeAll, noBubblewrap, openTest, run, specOf, text } from '../workspace.test-support.ts';
import type { Attack } from './attack.test-support.ts';
import { BOMBS } from './bombs.test-support.ts';
import { ESCAPES } from './escapes.test-support.ts';
import { REACHES } from './network.test-support.ts';

const ATTACKS: readonly Attack[] = [...ESCAPES, ...REACHES, ...BOMBS];
const missing = await noBubblewrap();
const root = process.getuid?.() === 0;
afterAll(closeAll);

async function attack(one: Attack, taken: ReadonlySet<Defence>): Promise<boolean> {
  const outside = mkdtempSync('/var/tmp/perdure-attack-');
  let pid = 0;
  const workspaces = await openTest({
    isolation: 'required',
    taken,
    started: started => (pid = started),
    ...(one.limits === undefined ? {} : { limits: one.limits }),
  });
  const secret = `secret-${crypto.randomUUID()}`;
  try {
    chmodSync(outside, 0o755);
    writeFileSync(join(outside, 'canary'), secret);
    await (await workspaces.open(specOf('env_1', { tenant: 'victim' }))).write('secret', text(secret));
    const workspace = await workspaces.open(specOf('env_1'));
    const scene = {
      workspace,
      outside,
      secret,
      hold: taken.size > 0 ? 0.5 : 30,
      root: join(workspaces.folder, 'default', 'env_1', 'root'),
    };
    const { bait, takeDown } = (await one.setUp?.(scene)) ?? { bait: '', takeDown: () => undefined };
    try {
      const signal = one.abortMs === undefined ? new AbortController().signal : AbortSignal.timeout(one.abortMs);
      let printed = '';
      let told = false;
      const result = await run(workspace, one.command({ ...scene, bait }), {
        signal,
        timeoutMs: (taken.size > 0 ? one.openTimeoutMs : undefined) ?? one.timeoutMs ?? 50_000,
        show(part) {
          printed += part;
          if (told || !printed.includes('ready')) return;
          told = true;
          void one.meanwhile?.({ ...scene, bait, pid });
        },
      });
      expect(told).toBe(one.meanwhile !== undefined);
      return await one.through({ ...scene, bait, result, pid });
    } finally {
      await takeDown();
    }
  } finally {
    await workspaces.close();
    rmSync(outside, { recursive: true, force: true });
    rmSync(workspaces.folder, { recursive: true, force: true });
  }
}

const skipped = missing === null ? (root ? null : 'not root') : missing;

describe.skipIf(missing !== null)(`attacks on the sandbox${missing === null ? '' : ` (left out: ${missing})`}`, () => {
  for (const one of ATTACKS) {
    it(`holds: ${one.name}`, { timeout: 90_000 }, async () => {
      expect(await attack(one, new Set())).toBe(false);
    });
    it.skipIf(skipped !== null)(
      `gets through without ${one.heldBy.join(' and ')}: ${one.name}`,
      { timeout: 90_000 },
      async () => {
        expect(await attack(one, new Set(one.heldBy))).toBe(true);
      },
    );
  }
});

/** Of another process: this one cannot open a file that it would hand on. */
describe.skipIf(missing !== null)('a file that the server was started with', () => {
  const read = async (...taken: readonly Defence[]): Promise<string> => {
    const script = 'exec 77<<<"handed on"; exec "$@"';
    const args = [
      process.execPath,
      fileURLToPath(new URL('inherited.test-support.ts', import.meta.url)),
      '77',
      ...taken,
    ];
    return (await promisify(execFile)('bash', ['-c', script, 'bash', ...args])).stdout;
  };
  it('holds: is read by a command', { timeout: 90_000 }, async () => {
    expect(await read()).not.toContain('handed on');
  });
  it('gets through without closed-files: is read by a command', { timeout: 90_000 }, async () => {
    expect(await read('closed-files')).toContain('handed on');
  });
});

it('attacks every defence', () => {
  const attacked = new Set<Defence>(['closed-files', ...ATTACKS.flatMap(({ heldBy }) => heldBy)]);
  expect(Object.keys(DEFENCES).filter(defence => !attacked.has(defence as Defence))).toEqual([]);
});
