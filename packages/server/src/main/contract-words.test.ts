/** What `perdure contracts check` asks about words that a configuration does not have. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { CONFIG, copyIn } from './contract-copies.test-support.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-lifecycle-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const copyOf = (set: string, file: string, from: string | RegExp, to: string): string =>
  copyIn(cwd, set, file, from, to);

test('asks about a word that is nearly a configured one, and about no other', async () => {
  const clauses = [
    ['resource in Cloud::"azure"', 'context.call.product == Product::"frontir"'],
    ['resource == Region::"eastus3"', 'context.call.vendor == Vendor::"openia"'],
    ['resource', 'context.call.product == Product::"another-thing" || context.call.channel == Channel::"bedrok"'],
    ['resource', 'principal in Tenant::"acne" || resource.sovereignty == "comercial"'],
  ].map(
    ([place, when], i) =>
      `@id("w${i}") @cite("x") forbid (principal, action == Action::"infer", ${place}) when { ${when} };`,
  );
  const mine = copyOf('none', 'clauses.cedar', /$/, clauses.join('\n'));
  const yaml = join(cwd, mine, 'contract.yaml');
  const notes = clauses.map((_, i) => `  w${i}: {source: operator, confidence: A, summary: x}\n`);
  writeFileSync(yaml, readFileSync(yaml, 'utf8') + notes.join(''));
  const keys =
    'keys:\n  - {name: k, secret: "a-secret-of-more-than-sixteen", tenant: acme, product: frontier, channel: bedrock}\n';
  writeFileSync(join(cwd, 'perdure.yaml'), CONFIG.replace('[openai-2026-02, data-handling]', '[./mine]') + keys);
  const { code, out } = await perdure(['contracts', 'check', '--json'], { cwd });
  const { together } = JSON.parse(out) as {
    together: readonly { code: string; level: string; message: string; hint: string; line: number }[];
  };
  const words = together.filter(one => one.code === 'word_not_configured');
  expect(
    words
      .map(({ message, hint }) => [/"([^"]*)"/.exec(message)?.[1], hint])
      .toSorted((a, b) => `${a[0]}`.localeCompare(`${b[0]}`)),
  ).toEqual([
    ['acne', 'did you mean acme?'],
    ['bedrok', 'did you mean bedrock?'],
    ['comercial', 'did you mean commercial?'],
    ['eastus3', 'did you mean eastus2?'],
    ['frontir', 'did you mean frontier?'],
    ['openia', 'did you mean openai?'],
  ]);
  expect(words.every(({ level, line }) => level === 'warning' && line > 0)).toBe(true);
  expect(code).toBe(0);
}, 60_000);
