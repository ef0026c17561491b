import { expect, test } from 'vitest';
import { checkUrl, type EgressRules, typeAllowed } from './rules.ts';

const rules = (more: Partial<EgressRules>): EgressRules => ({
  mode: 'public',
  hosts: [],
  privateHosts: [],
  types: [],
  maxBytes: 1,
  timeoutMs: 1,
  redirects: 0,
  ...more,
});
const verdict = (url: string, more: Partial<EgressRules> = {}): string => {
  try {
    return checkUrl(url, rules(more)).href;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('nothing is fetched unless a mode says so', () => {
  expect(verdict('https://example.com/a', { mode: 'none' })).toBe('egress_denied');
  expect(verdict('https://example.com/a')).toBe('https://example.com/a');
});

test('only http and https, without credentials, at the usual ports', () => {
  for (const url of ['ftp://example.com/', 'file:///etc/passwd', 'javascript:1', 'no url', '//example.com'])
    expect(verdict(url), url).toBe('invalid_request');
  for (const url of [
    'http://me@example.com/',
    'http://me:pw@example.com/',
    'http://example.com:22/',
    'https://example.com:80/',
  ])
    expect(verdict(url), url).toBe('egress_denied');
  expect(verdict('http://example.com:80/')).toBe('http://example.com/');
  expect(verdict('https://example.com:443/')).toBe('https://example.com/');
});

test('an allow-list takes names, names below a name, and ports', () => {
  const hosts = ['files.test', '*.cdn.test', 'odd.test:8080', '*.odd.test:8080', '[2606:4700::1111]'];
  const allowed = (url: string): boolean => verdict(url, { mode: 'allow-list', hosts }) !== 'egress_denied';
  for (const url of [
    'https://files.test/a',
    'https://FILES.test./a',
    'http://a.cdn.test/',
    'http://a.b.cdn.test/',
    'http://odd.test:8080/',
    'http://x.odd.test:8080/',
    'http://[2606:4700::1111]/',
  ])
    expect(allowed(url), url).toBe(true);
  for (const url of [
    'https://cdn.test/',
    'https://evilcdn.test/',
    'https://files.test.evil/',
    'https://files.test:8443/',
    'http://odd.test/',
    'https://x.files.test/',
    'http://files.test@evil.test/',
  ])
    expect(allowed(url), url).toBe(false);
});

test('a private address wants its host among the private ones; a link-local one is never asked', () => {
  const named = (host: string): Partial<EgressRules> => ({ mode: 'allow-list', hosts: [host], privateHosts: [host] });
  expect(verdict('http://10.0.0.7/', named('10.0.0.7'))).toBe('http://10.0.0.7/');
  expect(verdict('http://10.0.0.7/', { ...named('10.0.0.7'), privateHosts: ['10.0.0.8'] })).toBe('egress_denied');
  expect(verdict('http://10.0.0.7/', { ...named('10.0.0.7'), mode: 'public' })).toBe('egress_denied');
  expect(verdict('http://[fd00::1]/', named('[fd00::1]'))).toBe('http://[fd00::1]/');
  for (const host of ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '0.0.0.0', '[::ffff:7f00:1]'])
    expect(verdict(`http://${host}/`, named(host)), host).toBe('egress_denied');
});

test('types are taken by name, by kind, or all', () => {
  expect(typeAllowed('text/csv', ['text/*'])).toBe(true);
  expect(typeAllowed('application/pdf', ['application/pdf'])).toBe(true);
  expect(typeAllowed('application/zip', ['text/*', 'application/pdf'])).toBe(false);
  expect(typeAllowed('textual/x', ['text/*'])).toBe(false);
  expect(typeAllowed('application/zip', ['*/*'])).toBe(true);
});
