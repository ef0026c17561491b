import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const CONTRACTS = fileURLToPath(new URL('../../contracts', import.meta.url));
const SECRET = 'status-page-test-key-0123456789';
/** A title that would be an element if it were ever taken for markup. */
const HOSTILE = '<img src=x onerror="document.title=1" id="injected">';

let browser: Browser;
let folder: string;
const open: (() => Promise<void>)[] = [];

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  folder = mkdtempSync(join(tmpdir(), 'perdure-page-'));
});

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

async function deployment(config: Parameters<typeof startStack>[0] = {}): Promise<Stack> {
  const stack = await startStack(config);
  open.push(() => stack.close());
  return stack;
}

interface Opened {
  readonly page: Page;
  /** Everything that the page told the console, or that failed on it. */
  readonly said: readonly string[];
}

async function visit(url: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Opened> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
  open.push(() => page.close());
  const said: string[] = [];
  page.on('console', message => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', error => said.push(`error: ${error.message}`));
  await page.goto(url);
  return { page, said };
}

/** Where a picture of the page is put, if somebody wants to look at it. */
async function picture(page: Page, name: string): Promise<void> {
  const to = process.env['PERDURE_PICTURES'];
  if (to !== undefined) await page.screenshot({ path: join(to, `${name}.png`), fullPage: true });
}

const march = (contracts: readonly string[]): Parameters<typeof startStack>[0] => ({
  clouds: ['azure', 'aws'],
  config: {
    as_of: '2026-03-20',
    contracts,
    homes: [
      { id: 'azure', cloud: 'azure', region: 'eastus2', jurisdiction: 'us' },
      { id: 'aws', cloud: 'aws', region: 'us-east-1', jurisdiction: 'us' },
    ],
  },
});

test.each(['light', 'dark'] as const)('shows what there is, and a placement after a call (%s)', async scheme => {
  const stack = await deployment(march(['openai-2026-02', 'data-handling']));
  const { page, said } = await visit(stack.url, scheme);
  await page.getByText('No call has been placed yet.').waitFor();
  await page.getByText('as of 2026-03-20', { exact: true }).waitFor();
  await page.getByText('Contracts see 2026-03-20, not today: a rehearsal.').waitFor();
  expect(await page.locator('#contracts tr').count()).toBe(2);
  expect(await page.locator('#homes tr').count()).toBe(2);
  expect(await page.locator('#targets tr').count()).toBe(2);
  expect(await page.locator('#targets').getByText('emulated', { exact: true }).count()).toBe(2);

  await stack.openai().responses.create({ model: MODEL, input: 'The sky is blue. What is the sky?' });
  await stack.request('POST', '/v1/responses', {
    body: { model: MODEL, input: 'May this run?' },
    headers: { 'perdure-labels': 'us-gov' },
  });
  const call = page.locator('#placements tr', { hasText: 'model call' }).filter({ hasText: 'azure/eastus2' });
  await call.getByText('joint.stateless').first().waitFor();
  await page.locator('#placements').getByText('refused', { exact: true }).first().waitFor();

  const button = call.getByRole('button');
  await button.click();
  expect(await button.getAttribute('aria-expanded')).toBe('true');
  const details = page.locator(`[id="${await button.getAttribute('aria-controls')}"]`);
  await details.getByText('placed on azure-1').waitFor();
  expect(await details.getByRole('columnheader').allTextContents()).toEqual([
    'Place',
    'Cloud',
    'Verdict',
    'Cost, $',
    'Score',
    'Why',
  ]);
  await picture(page, `status-${scheme}`);

  // A new placement redraws the list: what is open stays open, and the focus stays where it was.
  await button.focus();
  const before = await page.locator('#placements button').count();
  await stack.openai().responses.create({ model: MODEL, input: 'And again: what is the sky?' });
  await expect.poll(() => page.locator('#placements button').count(), { timeout: 20_000 }).toBeGreaterThan(before);
  expect(await details.isVisible()).toBe(true);
  const focused = await page.evaluate('document.activeElement.getAttribute("aria-controls")');
  expect(focused).toBe(await details.getAttribute('id'));
  expect(said).toEqual([]);
});

test('asks for a key where one is needed, and keeps it nowhere', async () => {
  const stack = await deployment({
    config: { keys: [{ name: 'page', secret: SECRET, tenant: 'page' }], enforce: false },
  });
  const { page } = await visit(stack.url);
  await page.getByLabel(/API key/).fill('wrong');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('The server does not know this key.').waitFor();
  await page.getByLabel(/API key/).fill(SECRET);
  await picture(page, 'status-key');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('monitor mode: nothing is refused').waitFor();
  expect(await page.getByLabel(/API key/).isVisible()).toBe(false);
  expect(await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([0, 0, '']);
  await page.reload();
  await page.getByLabel(/API key/).waitFor();
});

test('takes what the server says for text, whatever it says', async () => {
  const hostile = join(folder, 'hostile');
  cpSync(join(CONTRACTS, 'none'), hostile, { recursive: true });
  const manifest = join(hostile, 'contract.yaml');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/^title: .*$/m, `title: '${HOSTILE}'`));
  const stack = await deployment({ config: { contracts: [hostile] } });
  const { page, said } = await visit(stack.url);
  await page.getByText(HOSTILE).waitFor();
  expect(await page.locator('#injected').count()).toBe(0);
  expect(said).toEqual([]);
});

test('a script that is not its own does not run on it', async () => {
  const stack = await deployment();
  const { page, said } = await visit(stack.url);
  await page.getByText('No call has been placed yet.').waitFor();
  await page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'document.title = "taken"';
    document.body.append(script);
  }`);
  expect(await page.title()).toBe('Perdure');
  expect(said.join('\n')).toContain('Content Security Policy');
});

async function elsewhere(html: string): Promise<string> {
  const other = createServer((_, res) => {
    res.setHeader('content-type', 'text/html');
    res.end(`<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">${html}`);
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  open.push(async () => {
    other.close();
    await once(other, 'close');
  });
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
}

test('a page from elsewhere reads nothing', async () => {
  const stack = await deployment();
  const origin = await elsewhere('');
  const { page } = await visit(origin);
  const url = JSON.stringify(`${stack.url}/perdure/v1/status`);
  expect(await page.evaluate(`fetch(${url}).then(response => response.text(), () => 'refused')`)).toBe('refused');
  // Not only kept from the page: not answered.
  const answer = await stack.request('GET', '/perdure/v1/status', { headers: { origin: origin.slice(0, -1) } });
  expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'origin_not_allowed' } }]);
});

test('a page from elsewhere cannot frame it', async () => {
  const stack = await deployment({ config: { keys: [{ name: 'page', secret: SECRET, tenant: 'page' }] } });
  const { page, said } = await visit(await elsewhere(`<iframe src="${stack.url}"></iframe>`));
  expect(
    await page
      .frames()[1]
      ?.title()
      .catch(() => ''),
  ).not.toBe('Perdure');
  expect(said.join('\n')).toContain('frame-ancestors');
});

test('stops asking while nobody looks, and asks at once when somebody does', async () => {
  const stack = await deployment();
  const { page } = await visit(stack.url);
  await page.getByText('No call has been placed yet.').waitFor();
  const asked: string[] = [];
  page.on('request', request => asked.push(request.url()));
  const show = (hidden: boolean): Promise<unknown> =>
    page.evaluate(`{
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
      document.dispatchEvent(new Event('visibilitychange'));
    }`);
  await show(true);
  await page.waitForTimeout(4_000);
  asked.length = 0;
  await page.waitForTimeout(4_000);
  expect(asked).toEqual([]);
  await show(false);
  await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
});
