import { expect, it } from 'vitest';
import { matchesAny } from '../../provider/egress/rules.ts';
import { type Access, hostAllowed, hostRules, within } from './rules.ts';

const network = (access: Access, allowed: readonly string[] = [], blocked: readonly string[] = []) => ({
  access,
  allowed,
  blocked,
});
const allows = (url: string, ...[of, never = []]: [ReturnType<typeof network>, (readonly string[])?]): boolean => {
  const rules = hostRules(of, never);
  return rules !== null && hostAllowed(new URL(url), rules, matchesAny);
};

it('lets through what is listed, and nothing else', () => {
  const some = network('restricted', ['a.example', '*.b.example', 'c.example:8443']);
  for (const url of [
    'https://a.example/',
    'http://a.example/',
    'https://x.b.example/',
    'https://x.y.b.example/',
    'https://c.example:8443/',
    'https://A.EXAMPLE./',
  ])
    expect(allows(url, some), url).toBe(true);
  for (const url of [
    'https://b.example/',
    'https://xa.example/',
    'https://a.example.evil/',
    'https://a.example:8443/',
    'https://c.example/',
    'https://evilb.example/',
  ])
    expect(allows(url, some), url).toBe(false);
  expect(allows('https://a.example/', network('restricted'))).toBe(false);
  expect(allows('https://a.example/', network('disabled', ['a.example']))).toBe(false);
});

it('holds back what is blocked, whatever else is said, at every port', () => {
  const both = network('restricted', ['*.example', 'bad.example:8443'], ['bad.example']);
  expect(allows('https://good.example/', both)).toBe(true);
  for (const url of ['https://bad.example/', 'https://bad.example:8443/', 'http://bad.example/'])
    expect(allows(url, both), url).toBe(false);
  expect(allows('https://never.example/', network('restricted', ['*.example']), ['never.example'])).toBe(false);
  expect(allows('https://never.example/', network('enabled'), ['never.example'])).toBe(false);
});

it('lets through all but what is blocked, where only that is listed, at the usual ports', () => {
  const but = network('restricted', [], ['bad.example']);
  expect(allows('https://any.example/', but)).toBe(true);
  expect(allows('https://bad.example/', but)).toBe(false);
  expect(allows('https://any.example:22/', but)).toBe(false);
  expect(allows('https://any.example:22/', network('enabled'))).toBe(false);
  expect(allows('http://any.example/', network('enabled'))).toBe(true);
});

it('knows less from more', () => {
  expect(within('disabled', 'disabled')).toBe(true);
  expect(within('restricted', 'disabled')).toBe(false);
  expect(within('restricted', 'enabled')).toBe(true);
  expect(within('enabled', 'restricted')).toBe(false);
});
