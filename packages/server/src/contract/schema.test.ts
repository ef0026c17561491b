/** contracts/README.md lists the facts that the schema has, no more and no less, with their types and who may ask. */
import { readFileSync } from 'node:fs';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { expect, test } from 'vitest';
import { CONTRACT_SCHEMA, FACTS_VERSION, PLACE_ACTIONS } from './schema.ts';

interface TypeJson {
  readonly type: string;
  readonly name?: string;
  readonly element?: TypeJson;
  readonly attributes?: Readonly<Record<string, TypeJson>>;
}
interface SchemaJson {
  readonly commonTypes: Readonly<Record<string, TypeJson>>;
  readonly entityTypes: Readonly<
    Record<string, { readonly memberOfTypes?: readonly string[]; readonly shape?: TypeJson }>
  >;
  readonly actions: Readonly<
    Record<
      string,
      {
        readonly appliesTo: {
          readonly principalTypes: readonly string[];
          readonly resourceTypes: readonly string[];
          readonly context: TypeJson;
        };
      }
    >
  >;
}

function schemaJson(): SchemaJson {
  const answer = cedar.schemaToJson(CONTRACT_SCHEMA);
  if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
  return (answer.json as unknown as Readonly<Record<string, SchemaJson>>)[''] as SchemaJson;
}

const WHO: Readonly<Record<string, string>> = {
  ...Object.fromEntries(PLACE_ACTIONS.map(action => [action, 'places'])),
  stateless: 'definitions',
  distribute: 'sales',
};

/** `fact|type|who may ask`, of every attribute that a policy can come to from its principal, resource and context. */
function factsOf({ commonTypes, entityTypes, actions }: SchemaJson): string[] {
  const found = new Map<string, { type: string; who: Set<string> }>();
  const walk = (path: string, type: TypeJson, who: string): void => {
    const common = type.name === undefined ? undefined : commonTypes[type.name];
    const record = common ?? type;
    if (record.attributes !== undefined) {
      for (const [name, of] of Object.entries(record.attributes)) walk(`${path}.${name}`, of, who);
      return;
    }
    const name = type.name ?? `Set<${type.element?.name ?? '?'}>`;
    const parents = entityTypes[name]?.memberOfTypes ?? [];
    add(path, parents.length > 0 ? `${name} in ${parents.join(', ')}` : name, who);
    for (const [attr, of] of Object.entries(entityTypes[name]?.shape?.attributes ?? {}))
      walk(`${path}.${attr}`, of, who);
  };
  const add = (path: string, type: string, who: string): void => {
    const fact = found.get(path) ?? { type, who: new Set() };
    // Principals and resources are of one type in one kind of policy, and of another in another.
    if (!fact.type.split(' or ').includes(type)) fact.type += ` or ${type}`;
    fact.who.add(who);
    found.set(path, fact);
  };
  for (const [action, { appliesTo }] of Object.entries(actions)) {
    const who = WHO[action] ?? `unheard of: ${action}`;
    for (const name of appliesTo.principalTypes) walk('principal', { type: 'EntityOrCommon', name }, who);
    for (const name of appliesTo.resourceTypes) walk('resource', { type: 'EntityOrCommon', name }, who);
    walk('context', appliesTo.context, who);
  }
  return [...found].map(([path, { type, who }]) =>
    [path, sorted(type, ' or '), [...who].toSorted().join(', ')].join('|'),
  );
}

function sorted(text: string, by: string): string {
  return text.split(by).toSorted().join(by);
}

const README = readFileSync(new URL('../../../../contracts/README.md', import.meta.url), 'utf8');

test('the table of facts is that of the schema', () => {
  const table = README.slice(README.indexOf('## Facts'));
  const rows = [...table.matchAll(/^\| `([a-z][A-Za-z.]+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)].map(
    ([, path = '', type = '', who = '']) => [path, type.replaceAll('`', ''), who].join('|'),
  );
  expect(rows.toSorted()).toEqual(factsOf(schemaJson()).toSorted());
});

test('the version of the facts is the one documented', () => {
  expect(README).toContain(`Facts, version ${FACTS_VERSION}`);
  expect(CONTRACT_SCHEMA).toContain(`Facts, version ${FACTS_VERSION}`);
});
