import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WORKSPACE_BOUNDS } from '../../workspace/limits.ts';
import { EDGE_DEFENCES } from '../../workspace/network/edge-defences.ts';
import { DEFENCES } from '../../workspace/sandbox/defences.ts';
import { parseConfig } from './load.ts';

const page = readFileSync(new URL('../../../../../docs/workspaces.md', import.meta.url), 'utf8');
const target = 'targets: [{ id: a, vendor: v, model: m, cloud: c, region: r, base_url: "http://127.0.0.1:1/v1" }]';
const parsed = (workspaces: string) =>
  parseConfig(`${target}\ncontracts: [none]\nworkspaces: ${workspaces}\n`, { file: 'test', env: {}, base: '/base' })
    .config.workspaces;

test('docs/workspaces.md has every limit and every defence', () => {
  for (const { name, unit, default: value, min, max, what } of Object.values(WORKSPACE_BOUNDS))
    expect(page).toContain(`| \`${name}\` | ${unit} | ${value} | ${min} | ${max} | ${what} |`);
  for (const [name, what] of Object.entries({ ...DEFENCES, ...EDGE_DEFENCES }))
    expect(page).toContain(`| \`${name}\` | ${what} |`);
});

test('what is left out has its default', () => {
  expect(parsed('{}')).toMatchObject({
    isolation: 'preferred',
    folder: null,
    network: 'restricted',
    blockedHosts: [],
    privateHosts: [],
    readOnly: [],
    users: null,
    limits: { bytes: 1_073_741_824, files: 20_000 },
  });
  expect(parsed('{ folder: ws, isolation: required, limits: { files: 16 } }')).toMatchObject({
    folder: '/base/ws',
    isolation: 'required',
    limits: { files: 16 },
  });
});

test('every bound is kept, from both sides', () => {
  for (const { name, min, max } of Object.values(WORKSPACE_BOUNDS)) {
    for (const value of [min, max]) expect(() => parsed(`{ limits: { ${name}: ${value} } }`)).not.toThrow();
    for (const value of [min - 1, max + 1]) expect(() => parsed(`{ limits: { ${name}: ${value} } }`)).toThrow(name);
  }
  expect(() => parsed('{ users: { first: 1000, count: 1 } }')).not.toThrow();
  expect(() => parsed('{ users: { first: 999, count: 1 } }')).toThrow('first');
  expect(() => parsed('{ users: { first: 4294967293, count: 2 } }')).toThrow('users');
  expect(() => parsed('{ read_only: [opt/node] }')).toThrow('absolute');
  expect(() => parsed('{ blocked_hosts: ["https://x"] }')).toThrow('host');
  expect(() => parsed('{ isolation: maybe }')).toThrow('isolation');
});
