import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import type { WhatIfReport } from '../../packages/server/src/main/whatif/report.ts';
import { keyOf, marchConfig } from '../support/customers.ts';
import { MODEL, startStack } from '../support/stack.ts';

/** The report of a what-if over real placements, opened from its file in a real browser. */
let browser: Browser;
let folder: string;
let report: WhatIfReport;
const HOMES = `
targets:
  - {id: azure-1, vendor: openai, model: ${MODEL}, cloud: azure, region: eastus2, base_url: "http://127.0.0.1:1/v1"}
homes:
  - {id: azure, cloud: azure, region: eastus2}
  - {id: aws, cloud: aws, region: us-east-1}
`;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  folder = mkdtempSync(join(tmpdir(), 'perdure-report-'));
  const stack = await startStack({ config: marchConfig() });
  try {
    for (const customer of ['api-direct', 'frontier-bedrock', 'frontier-bedrock', 'frontier-azure'] as const)
      await stack
        .openai(keyOf(customer))
        .responses.create({ model: MODEL, input: 'Hello.' })
        .catch(() => null);
    writeFileSync(join(folder, 'perdure.yaml'), HOMES);
    // The server runs on: the folder is read beside it.
    const html = ['--html', 'report.html', '--csv', 'report.csv'];
    const options = [
      '--data',
      stack.data,
      '--reading',
      'microsoft',
      '--event',
      'ipo-filed=2026-05-01',
      '--json',
      ...html,
    ];
    const { code, out, err } = await perdure(['whatif', ...options], { cwd: folder });
    if (code !== 0) throw new Error(err);
    report = JSON.parse(out) as WhatIfReport;
  } finally {
    await stack.close();
  }
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens it, and gives what it asked the network for and what it complained of. */
async function open(colorScheme: 'light' | 'dark'): Promise<{ page: Page; asked: string[]; said: string[] }> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
  const [asked, said]: [string[], string[]] = [[], []];
  page.on('request', request => asked.push(request.url()));
  page.on('console', message => said.push(message.text()));
  page.on('pageerror', error => said.push(error.message));
  await page.goto(pathToFileURL(join(folder, 'report.html')).href);
  const to = process.env['PERDURE_PICTURES'];
  if (to !== undefined) await page.screenshot({ path: join(to, `whatif-${colorScheme}.png`), fullPage: true });
  return { page, asked, said };
}

const figure = async (page: Page, name: string): Promise<string | null> =>
  page.locator(`[data-figure="${name}"]`).getAttribute('data-value');

test('both readings stand side by side, with the figures of the JSON export', async () => {
  const { page } = await open('light');
  expect(report.changes).toMatchObject({ moved: 2, breaches: 2 });
  const [left, right] = [await page.locator('#recorded').boundingBox(), await page.locator('#supposed').boundingBox()];
  if (left === null || right === null) throw new Error('a side is not shown');
  expect(Math.abs(left.y - right.y)).toBeLessThan(2);
  expect(right.x).toBeGreaterThanOrEqual(left.x + left.width);
  expect(await page.locator('#recorded').innerText()).toContain('openai-2026-02: as-written');
  expect(await page.locator('#supposed').innerText()).toContain('openai-2026-02: microsoft');
  for (const side of ['recorded', 'supposed'] as const) {
    for (const key of ['calls', 'states', 'tokens'] as const) {
      const sum = report.clouds.reduce((total, cloud) => total + cloud[side][key], 0);
      expect([side, key, await figure(page, `total.${side}.${key}`)]).toEqual([side, key, String(sum)]);
    }
    expect(await figure(page, `total.${side}.cost_micro_usd`)).toBe(report.money[`${side}_micro_usd`]);
    for (const cloud of report.clouds) {
      for (const key of ['calls', 'states', 'cost_micro_usd'] as const)
        expect(await figure(page, `clouds.${cloud.cloud}.${side}.${key}`)).toBe(String(cloud[side][key]));
    }
  }
  expect(report.clouds.map(({ cloud, recorded, supposed }) => [cloud, recorded.calls, supposed.calls])).toEqual([
    ['aws', 2, 0],
    ['azure', 1, 3],
  ]);
  expect(report.commitments.map(({ id }) => id)).toEqual(['aws-8y']);
  for (const { contract, id, recorded_micro_usd: was, supposed_micro_usd: would } of report.commitments)
    for (const [side, value] of [
      ['recorded', was],
      ['supposed', would],
    ] as const)
      expect(await figure(page, `commitments.${contract}.${id}.${side}`)).toBe(value);
  for (const clause of report.clauses)
    expect(await figure(page, `clauses.${clause.id}.moved`)).toBe(String(clause.moved));
  await page.close();
});

test('it asks nothing of any network, runs no script, and every chart has a title and a table', async () => {
  for (const scheme of ['light', 'dark'] as const) {
    const { page, asked, said } = await open(scheme);
    expect(asked.filter(url => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
    expect(said).toEqual([]);
    expect(await page.locator('script').count()).toBe(0);
    const charts = await page.locator('svg[role=img]').all();
    expect(charts.length).toBeGreaterThanOrEqual(4);
    for (const chart of charts) {
      expect(await chart.locator('title').textContent()).not.toBe('');
      expect(await chart.locator('desc').textContent()).not.toBe('');
      expect(await chart.locator('xpath=ancestor::div[@class="pair"]//table/caption').count()).toBe(1);
    }
    const colour = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    const luminance = (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
    expect(luminance > 382).toBe(scheme === 'light');
    await page.close();
  }
});

test('on a phone nothing is wider than the page, and what was supposed and not recorded stands on top', async () => {
  const { page } = await open('light');
  await page.setViewportSize({ width: 390, height: 800 });
  expect(Number(await page.evaluate('document.documentElement.scrollWidth'))).toBeLessThanOrEqual(390);
  const note = await page.locator('[role=note]').boundingBox();
  const sides = await page.locator('.sides').boundingBox();
  expect(await page.locator('[role=note]').innerText()).toBe('Supposed, not recorded: ipo-filed on 2026-05-01.');
  expect(note?.y ?? Infinity).toBeLessThan(sides?.y ?? 0);
  await page.close();
});

test('the CSV sums to the same', () => {
  const [header = '', ...rows] = readFileSync(join(folder, 'report.csv'), 'utf8').trimEnd().split('\r\n');
  const column = header.split(',').indexOf('placements');
  expect(rows.reduce((sum, row) => sum + Number(row.split(',')[column]), 0)).toBe(report.placements);
});
