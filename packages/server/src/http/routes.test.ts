import { ROUTES } from '@perdure/protocol/openapi';
import { expect, test } from 'vitest';
import { routes } from './app.ts';
import type { HttpDeps } from './types.ts';

/** Only the table is looked at: no handler runs, so nothing of what they need is there. */
const table = routes({} as HttpDeps);
const SERVED_APART = ['get /healthz', 'get /readyz', 'get /openapi.json'];
/** A witness's signature says who it is. */
/** A worker's token says whom it serves. */
const NEEDS_NO_KEY = [
  'post /perdure/v1/environments/{environment_id}/worker',
  'post /ledger/{home}/cosignature',
  ...SERVED_APART,
];
/** A body says what is asked, and nothing is changed. */
const DECIDES_ONLY = ['/perdure/v1/whatif', '/perdure/v1/explain'];
const formOf = (path: string): string => path.replace(/:\w+(\{\.\+\})?|\{\w+\}/g, '*');

test('the server has the routes of the OpenAPI document, and no other', () => {
  const served = table.map(([method, path]) => `${method.toLowerCase()} ${formOf(path)}`);
  const documented = ROUTES.map(({ method, path }) => `${method} ${formOf(path)}`);
  expect(served).toHaveLength(new Set(served).size);
  expect([...served, ...SERVED_APART].toSorted()).toEqual(documented.toSorted());
  expect(ROUTES.filter(route => route.open === true).map(({ method, path }) => `${method} ${path}`)).toEqual(
    NEEDS_NO_KEY,
  );
});

test('every route asks for a scope, and only reading is open to those who may only read', () => {
  for (const [method, path, scopes] of table) {
    if (scopes === null) {
      expect(NEEDS_NO_KEY.map(formOf)).toContain(`${method.toLowerCase()} ${formOf(path)}`);
      continue;
    }
    expect([path, scopes.length > 0]).toEqual([path, true]);
    const changes = method !== 'GET' && !DECIDES_ONLY.includes(path);
    if (changes)
      expect([method, path, scopes.includes('read') || scopes.includes('auditor')]).toEqual([method, path, false]);
    // What an auditor reads holds no content.
    if (scopes.includes('auditor')) expect(path).toMatch(/^\/(v1\/models|perdure\/v1|ledger)/);
  }
});

/**
 * What each route deals with. `evidence`: what was decided and why, without content. `content`: what people and models said. `offer`: what can
 * be asked for. `change`: something is different afterwards. A route that is added must be classed here, or this fails.
 */
const CLASSES: { readonly [route: string]: 'evidence' | 'content' | 'offer' | 'change' | 'keys' } = {
  'POST /v1/responses': 'change',
  'POST /v1/responses/compact': 'change',
  'POST /v1/responses/input_tokens': 'change',
  'GET /v1/responses/:id': 'content',
  'POST /v1/responses/:id/cancel': 'change',
  'DELETE /v1/responses/:id': 'change',
  'GET /v1/responses/:id/input_items': 'content',
  'POST /v1/conversations': 'change',
  'GET /v1/conversations/:id': 'content',
  'POST /v1/conversations/:id': 'change',
  'DELETE /v1/conversations/:id': 'change',
  'POST /v1/conversations/:id/items': 'change',
  'GET /v1/conversations/:id/items': 'content',
  'GET /v1/conversations/:id/items/:item': 'content',
  'DELETE /v1/conversations/:id/items/:item': 'change',
  'POST /v1/agents/sessions': 'change',
  'GET /v1/agents/sessions': 'content',
  'GET /v1/agents/sessions/:id': 'content',
  'POST /v1/agents/sessions/:id': 'change',
  'DELETE /v1/agents/sessions/:id': 'change',
  'POST /v1/agents/sessions/:id/events': 'change',
  'GET /v1/agents/sessions/:id/events': 'content',
  'GET /v1/agents/sessions/:id/items': 'content',
  'GET /v1/agents/sessions/:id/turns': 'content',
  'GET /v1/agents/sessions/:id/turns/:turn': 'content',
  'GET /v1/agents/sessions/:id/turns/:turn/items': 'content',
  'GET /v1/agents/sessions/:id/subagents': 'content',
  'GET /v1/agents/sessions/:id/subagents/:sub': 'content',
  'GET /v1/agents/sessions/:id/subagents/:sub/items': 'content',
  'GET /v1/agents/sessions/:id/subagents/:sub/turns': 'content',
  'GET /v1/agents/sessions/:id/subagents/:sub/turns/:turn': 'content',
  'GET /v1/agents/sessions/:id/subagents/:sub/turns/:turn/items': 'content',
  'GET /v1/agents/sessions/:id/traces': 'content',
  'POST /openai/v1/agents/sessions': 'change',
  'GET /openai/v1/agents/sessions': 'content',
  'GET /openai/v1/agents/sessions/:id': 'content',
  'DELETE /openai/v1/agents/sessions/:id': 'change',
  'POST /openai/v1/agents/sessions/:id/events': 'change',
  'GET /openai/v1/agents/sessions/:id/events': 'content',
  'GET /openai/v1/agents/sessions/:id/items': 'content',
  'GET /v1/chat/completions': 'content',
  'POST /v1/chat/completions': 'change',
  'POST /v1/files': 'change',
  'GET /v1/files': 'content',
  'GET /v1/files/:id': 'content',
  'GET /v1/files/:id/content': 'content',
  'DELETE /v1/files/:id': 'change',
  'POST /v1/agents': 'change',
  'GET /v1/agents': 'content',
  'GET /v1/agents/:id': 'content',
  'POST /v1/agents/:id': 'change',
  'DELETE /v1/agents/:id': 'change',
  'GET /perdure/v1/agents': 'evidence',
  'GET /perdure/v1/agents/:id/versions': 'content',
  'GET /perdure/v1/agents/:id/versions/:version': 'content',
  'POST /perdure/v1/agents/:id/rollback': 'change',
  'POST /v1/vaults': 'change',
  'GET /v1/vaults': 'content',
  'GET /v1/vaults/:id': 'content',
  'POST /v1/vaults/:id': 'change',
  'DELETE /v1/vaults/:id': 'change',
  'POST /v1/vaults/:id/credentials': 'change',
  'GET /v1/vaults/:id/credentials': 'content',
  'GET /v1/vaults/:id/credentials/:credential': 'content',
  'POST /v1/vaults/:id/credentials/:credential': 'change',
  'DELETE /v1/vaults/:id/credentials/:credential': 'change',
  'POST /perdure/v1/vaults/rotate-key': 'change',
  'POST /v1/agents/automations': 'change',
  'GET /v1/agents/automations': 'content',
  'GET /v1/agents/automations/:id': 'content',
  'POST /v1/agents/automations/:id': 'change',
  'DELETE /v1/agents/automations/:id': 'change',
  'POST /v1/agents/automations/:id/pause': 'change',
  'POST /v1/agents/automations/:id/resume': 'change',
  'POST /v1/agents/automations/:id/invocations': 'change',
  'GET /v1/agents/automations/:id/invocations': 'content',
  'GET /v1/agents/automations/:id/invocations/:invocation': 'content',
  'POST /v1/agents/environments': 'change',
  'GET /v1/agents/environments': 'content',
  'GET /v1/agents/environments/:id': 'content',
  'POST /v1/agents/environments/:id/files': 'change',
  'GET /v1/agents/environments/:id/files': 'content',
  'POST /v1/agents/environments/templates': 'change',
  'GET /v1/agents/environments/templates': 'content',
  'GET /v1/agents/environments/templates/:id': 'content',
  'POST /v1/agents/environments/templates/:id': 'change',
  'DELETE /v1/agents/environments/templates/:id': 'change',
  'GET /v1/agents/sessions/:id/artifacts': 'content',
  'GET /v1/agents/sessions/:id/artifacts/:artifact': 'content',
  'GET /v1/agents/sessions/:id/artifacts/:artifact/content': 'content',
  'DELETE /v1/agents/sessions/:id/artifacts/:artifact': 'change',
  'DELETE /perdure/v1/environments/:id': 'change',
  'POST /perdure/v1/environments/:id/worker_tokens': 'change',
  'GET /perdure/v1/environments/:id/worker_tokens': 'keys',
  'DELETE /perdure/v1/environments/:id/worker_tokens/:token': 'change',
  // By its token, without a key.
  'POST /perdure/v1/environments/:id/worker': 'change',
  'GET /v1/models': 'offer',
  'GET /v1/models/:id': 'offer',
  'GET /perdure/v1/placements': 'evidence',
  'GET /perdure/v1/placements/:id': 'evidence',
  'GET /perdure/v1/explain': 'evidence',
  'POST /perdure/v1/explain': 'evidence',
  'GET /perdure/v1/reports/statefulness': 'evidence',
  'GET /perdure/v1/reports/visibility': 'evidence',
  'GET /perdure/v1/reports/lock-in': 'evidence',
  'GET /perdure/v1/targets': 'evidence',
  'GET /perdure/v1/status': 'evidence',
  'POST /perdure/v1/whatif': 'evidence',
  'GET /perdure/v1/contracts': 'evidence',
  'GET /perdure/v1/contracts/:digest': 'evidence',
  'GET /perdure/v1/contracts/activations': 'evidence',
  'POST /perdure/v1/contracts/activations': 'change',
  'POST /perdure/v1/contracts/activations/:id/approve': 'change',
  'POST /perdure/v1/contracts/activations/:id/reject': 'change',
  'POST /perdure/v1/contracts/activations/:id/withdraw': 'change',
  'GET /perdure/v1/contracts/stranded': 'evidence',
  'GET /perdure/v1/waivers': 'evidence',
  'POST /perdure/v1/waivers': 'change',
  'POST /perdure/v1/waivers/:id/approve': 'change',
  'POST /perdure/v1/waivers/:id/reject': 'change',
  'POST /perdure/v1/waivers/:id/revoke': 'change',
  'GET /perdure/v1/events': 'evidence',
  'POST /perdure/v1/events': 'change',
  'POST /perdure/v1/events/:id/approve': 'change',
  'POST /perdure/v1/events/:id/reject': 'change',
  'POST /perdure/v1/events/:id/retract': 'change',
  'GET /perdure/v1/contracts/settings': 'evidence',
  'POST /perdure/v1/contracts/settings/:id/approve': 'change',
  'POST /perdure/v1/contracts/settings/:id/reject': 'change',
  'GET /perdure/v1/rights': 'evidence',
  'POST /perdure/v1/rights/:id/offer': 'change',
  'POST /perdure/v1/rights/:id/accept': 'change',
  'POST /perdure/v1/rights/:id/decline': 'change',
  'POST /perdure/v1/rights/:id/approve': 'change',
  'POST /perdure/v1/rights/:id/reject': 'change',
  'POST /perdure/v1/rights/:id/retract': 'change',
  'GET /perdure/v1/usage/closes': 'evidence',
  'POST /perdure/v1/usage/closes': 'change',
  'POST /perdure/v1/usage/closes/:id/restate': 'change',
  'GET /perdure/v1/holds': 'evidence',
  'POST /perdure/v1/holds': 'change',
  'GET /perdure/v1/holds/:id/kept': 'evidence',
  'POST /perdure/v1/holds/:id/lift': 'change',
  'GET /perdure/v1/approvals': 'evidence',
  // Its arguments only for who may decide: `main/approvals/desk.ts`.
  'GET /perdure/v1/approvals/:id': 'evidence',
  'POST /perdure/v1/approvals/:id/grant': 'change',
  'POST /perdure/v1/approvals/:id/deny': 'change',
  'POST /perdure/v1/approvals/:id/resolve': 'change',
  'GET /perdure/v1/webhooks': 'keys',
  'POST /perdure/v1/webhooks': 'change',
  'GET /perdure/v1/webhooks/:id': 'keys',
  'DELETE /perdure/v1/webhooks/:id': 'change',
  'POST /perdure/v1/webhooks/:id/rotate_secret': 'change',
  'POST /perdure/v1/webhooks/:id/enable': 'change',
  'POST /perdure/v1/webhooks/:id/test': 'change',
  'GET /perdure/v1/webhooks/:id/deliveries': 'keys',
  'GET /perdure/v1/audit': 'evidence',
  'GET /perdure/v1/usage': 'evidence',
  'GET /perdure/v1/usage/calls': 'evidence',
  'GET /perdure/v1/commitments': 'evidence',
  'GET /perdure/v1/replay/placements': 'evidence',
  'GET /perdure/v1/replay/snapshots/:version': 'evidence',
  'GET /ledger/:home/checkpoint': 'evidence',
  'GET /ledger/:home/cosigned': 'evidence',
  'GET /ledger/:home/keys': 'evidence',
  'GET /ledger/:home/tile/:path{.+}': 'evidence',
  // By its signature, without a key.
  'POST /ledger/:home/cosignature': 'change',
  'GET /perdure/v1/keys': 'evidence',
  'POST /perdure/v1/keys': 'change',
  'DELETE /perdure/v1/keys/:id': 'change',
};

test('an auditor reads all evidence, content nowhere, and changes nothing: every route is classed', () => {
  expect(table.map(([method, path]) => `${method} ${path}`).toSorted()).toEqual(Object.keys(CLASSES).toSorted());
  for (const [method, path, scopes] of table) {
    const kind = CLASSES[`${method} ${path}`];
    expect([method, path, scopes?.includes('auditor') ?? false]).toEqual([
      method,
      path,
      kind === 'evidence' || kind === 'offer',
    ]);
  }
});

test('an operator reads the evidence of every tenant without another scope', () => {
  const closed = table.filter(
    ([method, path, scopes]) =>
      CLASSES[`${method} ${path}`] === 'evidence' && scopes !== null && !scopes.includes('operator'),
  );
  expect(closed.map(([method, path]) => `${method} ${path}`)).toEqual([]);
});

test('contracts are governed by operators alone', () => {
  const governing = table.filter(
    ([method, path]) => method === 'POST' && /perdure\/v1\/(contracts|waivers|events|rights)/.test(path),
  );
  expect(governing).toHaveLength(20);
  for (const [, , scopes] of governing) expect(scopes).toEqual(['operator']);
});
