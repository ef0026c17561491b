/** The demo as its user runs it. Deleting any clause that it cites must make it fail: else the citation would be decoration. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cite, ClaimResult } from './claims.ts';
import { demo } from './run.ts';
import { perdureProgram } from './server-process.ts';

const SHIPPED = fileURLToPath(new URL('../../../../../contracts', import.meta.url));
/** What the story cites; the first test holds it against what a run reports. */
const CITED: readonly string[] = [
  'data-handling/data.clearance',
  'data-handling/data.us-gov',
  'openai-2026-02/amzn.distribution',
  'openai-2026-02/amzn.inference',
  'openai-2026-02/amzn.state',
  'openai-2026-02/joint.first-party',
  'openai-2026-02/joint.sellers',
  'openai-2026-02/joint.stateless',
];
/** Not cited by name; what the readings are made of. */
const DEFINITIONS: readonly string[] = [
  'openai-2026-02/as-written.api',
  'openai-2026-02/microsoft.all',
  'openai-2026-02/amazon-openai.session',
];

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Report {
  readonly ok: boolean;
  readonly claims: readonly ClaimResult[];
  readonly cited: readonly Cite[];
  readonly failed: readonly string[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-demo-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Nothing listens there: the demo looks for a server that runs already. */
const NOBODY = 'http://127.0.0.1:9';

/** Without what real clouds would be found by. */
function plainEnvironment(): { readonly [name: string]: string | undefined } {
  const hidden = /^(OPENAI_|AZURE_OPENAI_|AWS_|BEDROCK_|PERDURE_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.test(name)));
}

function runDemo(...args: readonly string[]): Promise<Outcome> {
  const all = [perdureProgram(), 'demo', '--url', NOBODY, ...args];
  return new Promise(resolve => {
    execFile(process.execPath, all, { env: plainEnvironment(), maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** A copy of the shipped contracts without one clause: neither its policy nor its entry in the manifest. */
function without(clause: string): string {
  const [contract = '', id = ''] = clause.split('/');
  const copy = join(folder, clause.replaceAll('/', '-'));
  cpSync(SHIPPED, copy, { recursive: true });
  let removed = 0;
  for (const name of readdirSync(join(copy, contract), { recursive: true, encoding: 'utf8' })) {
    const path = join(copy, contract, name);
    if (name.endsWith('.cedar')) {
      const text = readFileSync(path, 'utf8');
      const from = text.indexOf(`@id("${id}")`);
      if (from < 0) continue;
      const end = /;[ \t]*$/m.exec(text.slice(from));
      if (end === null) throw new Error(`${clause} has no end`);
      writeFileSync(path, text.slice(0, from) + text.slice(from + end.index + 1));
      removed += 1;
    } else if (name === 'contract.yaml') {
      const lines = readFileSync(path, 'utf8').split('\n');
      const kept = lines.filter(line => !line.startsWith(`  ${id}: `));
      removed += lines.length - kept.length;
      writeFileSync(path, kept.join('\n'));
    }
  }
  if (removed !== 2) throw new Error(`${clause} was not found in its policies and its manifest`);
  return copy;
}

test('the whole story holds, and says in JSON what it read', async () => {
  const { code, stdout, stderr } = await runDemo('--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({ ok: true, failed: [] });
  expect(report.claims.filter(claim => !claim.ok)).toEqual([]);
  expect(report.cited.map(({ contract, id }) => `${contract}/${id}`).toSorted()).toEqual(CITED);
  expect(new Set(report.claims.map(({ id }) => id)).size).toBe(report.claims.length);
  for (const claim of report.claims) expect(claim.evidence, claim.id).not.toEqual({});
  expect(stdout).not.toContain('demo_');
});

test('for people it is plain text of at most 120 columns, and cites each clause', async () => {
  const { code, stdout } = await runDemo('--reading', 'microsoft');
  expect(code).toBe(0);
  expect(stdout.split('\n').filter(line => line.length > 120)).toEqual([]);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toContain('EMULATED');
  expect(stdout).toMatch(/All \d+ claims hold/);
  for (const clause of CITED) expect(stdout).toContain(clause.split('/')[1]);
});

describe('without a clause that decides, the demo fails and names a claim', () => {
  // In this process: a third of a run's time is the loading of its code.
  test.concurrent.for([...CITED, ...DEFINITIONS])('%s', { timeout: 300_000 }, async clause => {
    const out: string[] = [];
    const err: string[] = [];
    const io = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void err.push(text),
      env: plainEnvironment(),
      cwd: folder,
    };
    const code = await demo({ json: true, url: NOBODY, contracts: without(clause) }, io);
    expect(code, err.join('')).toBe(1);
    const report = JSON.parse(out.join('')) as Report;
    expect(report.ok).toBe(false);
    expect(report.failed.length).toBeGreaterThan(0);
    for (const id of report.failed) expect(err.join('')).toContain(id);
  });
});

test('a folder without the contracts is a mistake of the caller', async () => {
  const { code, stderr } = await runDemo('--contracts', folder);
  expect(code).toBe(2);
  expect(stderr).toContain('openai-2026-02');
});
