/** Permissions as compiled here against Cedar's own engine: the same reasons and the same errors, on random policies and calls. */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CEDAR_HERE } from './cedar-here.ts';
import type { ToolFacts } from './tool-facts.ts';
import { loadToolPolicies } from './tool-policies.ts';

const SAMPLES = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 1000);
const CALLS_EACH = 5;
const LEAST_SHARE = 0.01;
const ACTIONS = ['call_tool', 'ask_for_tool', 'auto_approve'] as const;

const NAMES = ['a', 'n', '__proto__'] as const;
const name = fc.constantFrom(...NAMES);
const word = fc.constantFrom('', 'a', 'b', 'rm -rf /', 'docs/a', 'x@b.test', 'é"\\*');
const whole = fc.oneof(fc.constantFrom(0, 1, -1, 5000, Number.MAX_SAFE_INTEGER), fc.maxSafeInteger());
const quoted = (text: string): string => JSON.stringify(text);
const pattern = fc.constantFrom('*', 'rm*', '*@b.test', 'docs/*', 'a');

const condition = fc.oneof(
  fc
    .tuple(name, pattern)
    .map(([n, p]) => `(context.args.text.hasTag("${n}") && context.args.text.getTag("${n}") like "${p}")`),
  fc
    .tuple(name, whole, fc.constantFrom('==', '<', '>='))
    .map(([n, v, op]) => `(context.args.number.hasTag("${n}") && context.args.number.getTag("${n}") ${op} ${v})`),
  // Overflows for most: what errs in Cedar errs here.
  name.map(
    n => `(context.args.number.hasTag("${n}") && context.args.number.getTag("${n}") * 9007199254740991 * 3 > 0)`,
  ),
  name.map(n => `(context.args.flag.hasTag("${n}") && context.args.flag.getTag("${n}"))`),
  fc
    .tuple(name, word)
    .map(([n, w]) => `(context.args.list.hasTag("${n}") && context.args.list.getTag("${n}").contains(${quoted(w)}))`),
  name.map(n => `context.args.names.contains("${n}")`),
  word.map(w => `(context.args.json == ${quoted(w)})`),
  fc
    .tuple(fc.constantFrom('command', 'path', 'url', 'host'), pattern)
    .map(([field, p]) => `(context has ${field} && context.${field} like "${p}")`),
  word.map(w => `context.labels.contains(${quoted(w)})`),
  fc.constantFrom(
    'resource.idempotent',
    'resource.origin == "mcp"',
    'resource.name == "a"',
    'resource in Server::"a"',
    'resource in Module::"a"',
    'principal in Tenant::"a"',
    'principal.agent == Agent::"a"',
    'principal.agent.name == "a"',
    'principal.agent.version > 1',
    'context.session == "a"',
    'context.caller == "programmatic"',
    'context.at < datetime("2026-03-20")',
  ),
);
const expression = fc.oneof(
  condition,
  condition.map(a => `!(${a})`),
  fc.tuple(condition, condition).map(([a, b]) => `(${a} && ${b})`),
  fc.tuple(condition, condition).map(([a, b]) => `(${a} || ${b})`),
);
const scope = {
  principal: fc.constantFrom('principal', 'principal == Principal::"a"', 'principal in Tenant::"a"'),
  action: fc.constantFrom(
    'action',
    'action == Action::"call_tool"',
    'action == Action::"ask_for_tool"',
    'action in [Action::"call_tool", Action::"auto_approve"]',
  ),
  resource: fc.constantFrom('resource', 'resource == Tool::"a"', 'resource in Server::"a"', 'resource is Tool'),
};
const policy = fc
  .tuple(fc.constantFrom('permit', 'permit', 'forbid'), scope.principal, scope.action, scope.resource, expression)
  .map(([effect, p, a, r, e]) => `${effect} (${p}, ${a}, ${r}) when { ${e} };`);

const id = fc.constantFrom('a', 'b', 'é"');
const call: fc.Arbitrary<ToolFacts> = fc
  .record({
    ids: fc.tuple(id, id, id, id, id, id),
    version: fc.integer({ min: 1, max: 3 }),
    tool: fc.constantFrom('a', 'b'),
    origin: fc.constantFrom('mcp', 'module', 'client', 'builtin'),
    idempotent: fc.boolean(),
    labels: fc.uniqueArray(word, { maxLength: 2 }),
    args: fc.dictionary(
      name,
      fc.oneof({ weight: 3, arbitrary: whole }, word, fc.boolean(), fc.uniqueArray(word, { maxLength: 3 })),
      { minKeys: 1 },
    ),
    more: fc.tuple(...Array.from({ length: 4 }, () => fc.option(word))),
    json: word,
    caller: fc.constantFrom('direct', 'programmatic'),
    at: fc.constantFrom(Date.UTC(2026, 2, 19), Date.UTC(2026, 2, 20)),
  })
  .map(({ ids, version, tool, origin, idempotent, labels, args, more, json, caller, at }) => {
    const [tenant, principal, agent, agentName, session, group] = ids;
    const [command = null, path = null, url = null, host = null] = more;
    const fields = Object.entries(args);
    const of = <T>(is: (value: unknown) => boolean): ReadonlyMap<string, T> =>
      new Map(fields.filter(([, value]) => is(value)) as [string, T][]);
    return {
      tenant,
      principal,
      agent: { id: agent, version, name: agentName },
      session,
      labels,
      tool: {
        name: tool,
        remote: tool,
        origin,
        group: origin === 'mcp' || origin === 'module' ? group : null,
        idempotent,
      },
      args: {
        json,
        names: fields.map(([key]) => key),
        text: of<string>(value => typeof value === 'string'),
        number: of<number>(value => typeof value === 'number'),
        flag: of<boolean>(value => typeof value === 'boolean'),
        list: of<readonly string[]>(Array.isArray),
      },
      command,
      path,
      url,
      host,
      caller,
      at,
    };
  });

const ref = (type: string, key: string): { readonly __entity: { readonly type: string; readonly id: string } } => ({
  __entity: { type, id: key },
});

/** The call as Cedar takes it: written here by itself, so that a slip in `tool-facts.ts` is seen. */
function requestOf(action: string, facts: ToolFacts): cedar.AuthorizationCall {
  const { agent, tool, args, command, path, url, host } = facts;
  const plain = (values: ReadonlyMap<string, unknown>): Record<string, cedar.CedarValueJson> =>
    Object.fromEntries(values) as Record<string, cedar.CedarValueJson>;
  const entities: cedar.EntityJson[] = [
    {
      uid: { type: 'Principal', id: facts.principal },
      attrs: { agent: ref('Agent', agent.id) },
      parents: [{ type: 'Tenant', id: facts.tenant }],
    },
    { uid: { type: 'Agent', id: agent.id }, attrs: { name: agent.name, version: agent.version }, parents: [] },
    {
      uid: { type: 'Tool', id: tool.name },
      attrs: { origin: tool.origin, name: tool.remote, idempotent: tool.idempotent },
      parents: tool.group === null ? [] : [{ type: tool.origin === 'mcp' ? 'Server' : 'Module', id: tool.group }],
    },
    { uid: { type: 'Texts', id: 'arguments' }, attrs: {}, parents: [], tags: plain(args.text) },
    { uid: { type: 'Numbers', id: 'arguments' }, attrs: {}, parents: [], tags: plain(args.number) },
    { uid: { type: 'Flags', id: 'arguments' }, attrs: {}, parents: [], tags: plain(args.flag) },
    { uid: { type: 'Lists', id: 'arguments' }, attrs: {}, parents: [], tags: plain(args.list) },
  ];
  const maybe = Object.entries({ command, path, url, host }).filter(([, value]) => value !== null);
  return {
    principal: { type: 'Principal', id: facts.principal },
    action: { type: 'Action', id: action },
    resource: { type: 'Tool', id: tool.name },
    context: {
      args: {
        names: [...args.names],
        text: ref('Texts', 'arguments'),
        number: ref('Numbers', 'arguments'),
        flag: ref('Flags', 'arguments'),
        list: ref('Lists', 'arguments'),
        json: args.json,
      },
      ...(Object.fromEntries(maybe) as Record<string, string>),
      caller: facts.caller,
      session: facts.session,
      labels: [...facts.labels],
      at: { __extn: { fn: 'datetime', arg: new Date(facts.at).toISOString().slice(0, 10) } },
    },
    policies: { staticPolicies: {} },
    entities,
  };
}

test(
  'permissions give the reasons and the errors that Cedar gives',
  () => {
    const seen = { permits: 0, forbids: 0, errors: 0, silent: 0 };
    fc.assert(
      fc.property(
        fc.array(policy, { minLength: 1, maxLength: 6 }),
        fc.array(call, { minLength: CALLS_EACH, maxLength: CALLS_EACH }),
        (texts, calls) => {
          const named = texts.map((text, i) => [`p${i}`, text] as const);
          const file = named.map(([key, text]) => `@id("${key}")\n${text}`).join('\n');
          const { policies, findings } = loadToolPolicies(CEDAR_HERE, { 'p.cedar': file });
          expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
          for (const facts of calls)
            for (const action of ACTIONS) {
              const request = requestOf(action, facts);
              const answer = cedar.isAuthorized({
                ...request,
                policies: { staticPolicies: Object.fromEntries(named) },
              });
              if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
              const { reason, errors } = answer.response.diagnostics;
              const ours = policies?.judge(action, facts) ?? { permits: [], forbids: [], errors: [] };
              const ids = (list: readonly { readonly id: string }[]): string[] => list.map(one => one.id).toSorted();
              expect(ids(ours.forbids.length > 0 ? ours.forbids : ours.permits)).toEqual(reason.toSorted());
              expect(ids(ours.errors)).toEqual(errors.map(({ policyId }) => policyId).toSorted());
              if (ours.errors.length > 0) seen.errors += 1;
              else if (ours.forbids.length > 0) seen.forbids += 1;
              else if (ours.permits.length > 0) seen.permits += 1;
              else seen.silent += 1;
            }
        },
      ),
      { numRuns: Math.ceil(SAMPLES / CALLS_EACH) },
    );
    const total = Object.values(seen).reduce((sum, one) => sum + one, 0);
    for (const share of Object.values(seen)) expect(share / total, JSON.stringify(seen)).toBeGreaterThan(LEAST_SHARE);
  },
  60_000 + SAMPLES * 30,
);
