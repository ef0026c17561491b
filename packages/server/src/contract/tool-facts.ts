/** How the facts of a tool's call become Cedar values. The shape is that of `tool/permission-facts.ts`, known here by its form only. */
import {
  type EntityData,
  type EntityValue,
  type Env,
  entityKey,
  entityValue,
  recordValue,
  setValue,
  type Value,
} from './value.ts';

export interface ToolFacts {
  readonly tenant: string;
  readonly principal: string;
  readonly agent: { readonly id: string; readonly version: number; readonly name: string };
  readonly session: string;
  readonly labels: readonly string[];
  readonly tool: {
    readonly name: string;
    readonly remote: string;
    readonly origin: string;
    readonly group: string | null;
    readonly idempotent: boolean;
  };
  readonly args: {
    readonly json: string;
    readonly names: readonly string[];
    readonly text: ReadonlyMap<string, string>;
    readonly number: ReadonlyMap<string, number>;
    readonly flag: ReadonlyMap<string, boolean>;
    readonly list: ReadonlyMap<string, readonly string[]>;
  };
  readonly command: string | null;
  readonly path: string | null;
  readonly url: string | null;
  readonly host: string | null;
  readonly caller: string;
  readonly at: number;
}

const NONE: ReadonlyMap<string, Value> = new Map();
const NOBODY: ReadonlySet<string> = new Set();
const ARGUMENTS = 'arguments';

interface Of {
  readonly attrs?: readonly (readonly [string, Value])[];
  readonly tags?: ReadonlyMap<string, Value>;
  readonly parent?: string | null;
}

function entity(type: string, id: string, { attrs = [], tags = NONE, parent = null }: Of): EntityValue {
  const ancestors = parent === null ? NOBODY : new Set([parent]);
  return entityValue(type, id, { attrs: new Map(attrs), ancestors, tags });
}

export function toolEnv(action: EntityValue, facts: ToolFacts): Env {
  const { agent, tool, args } = facts;
  const group = tool.group === null ? null : entityKey(tool.origin === 'mcp' ? 'Server' : 'Module', tool.group);
  const asking = entity('Agent', agent.id, {
    attrs: [
      ['name', agent.name],
      ['version', agent.version],
    ],
  });
  const principal = entity('Principal', facts.principal, {
    attrs: [['agent', asking]],
    parent: entityKey('Tenant', facts.tenant),
  });
  const resource = entity('Tool', tool.name, {
    attrs: [
      ['origin', tool.origin],
      ['name', tool.remote],
      ['idempotent', tool.idempotent],
    ],
    parent: group,
  });
  const lists = new Map([...args.list].map(([name, texts]) => [name, setValue(texts)] as const));
  const text = entity('Texts', ARGUMENTS, { tags: args.text });
  const number = entity('Numbers', ARGUMENTS, { tags: args.number });
  const flag = entity('Flags', ARGUMENTS, { tags: args.flag });
  const list = entity('Lists', ARGUMENTS, { tags: lists });
  const given: readonly (readonly [string, Value])[] = [
    ['names', setValue(args.names)],
    ['text', text],
    ['number', number],
    ['flag', flag],
    ['list', list],
    ['json', args.json],
  ];
  const { command, path, url, host } = facts;
  const maybe = Object.entries({ command, path, url, host }).filter(
    (field): field is [string, string] => field[1] !== null,
  );
  const entities = new Map<string, EntityData>();
  for (const known of [principal, asking, resource, text, number, flag, list])
    if (known.data !== null) entities.set(known.key, known.data);
  const context = recordValue([
    ['args', recordValue(given)],
    ...maybe,
    ['caller', facts.caller],
    ['session', facts.session],
    ['labels', setValue(facts.labels)],
    ['at', { kind: 'datetime', ms: facts.at }],
  ]);
  return { principal, action, resource, context, entities, callMemo: null, placeMemo: null };
}
