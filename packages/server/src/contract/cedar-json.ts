/** Cedar's JSON forms of values and entities, read into run-time values. */
import { callExtension } from './extension.ts';
import {
  type EntityData,
  type EntityStore,
  type EntityValue,
  EvaluationError,
  entityKey,
  entityValue,
  type RecordValue,
  recordValue,
  setValue,
  type Value,
} from './value.ts';

export interface EntityUid {
  readonly type: string;
  readonly id: string;
}

export interface EntityJson {
  readonly uid: EntityUid;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly parents: readonly EntityUid[];
  readonly tags?: Readonly<Record<string, unknown>>;
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** `{type, id}`, bare or under `__entity`; null if it is neither. */
export function uidFromJson(json: unknown): EntityUid | null {
  const uid = isObject(json) && '__entity' in json ? json['__entity'] : json;
  if (!isObject(uid) || typeof uid['type'] !== 'string' || typeof uid['id'] !== 'string') return null;
  return { type: uid['type'], id: uid['id'] };
}

/**
 * Reads a value. Throws `EvaluationError` on what Cedar's JSON does not have (null, fractions, integers that JSON numbers cannot
 * hold exactly, unknown escapes).
 */
export function valueFromJson(json: unknown): Value {
  if (typeof json === 'boolean' || typeof json === 'string') return json;
  if (typeof json === 'number' && Number.isSafeInteger(json)) return json + 0;
  if (Array.isArray(json)) return setValue(json.map(valueFromJson));
  if (!isObject(json)) throw new EvaluationError(`no Cedar value: ${JSON.stringify(json)}`);
  if ('__entity' in json) {
    const uid = uidFromJson(json);
    if (uid === null) throw new EvaluationError(`no entity: ${JSON.stringify(json)}`);
    return entityValue(uid.type, uid.id, null);
  }
  if ('__extn' in json) {
    const call = json['__extn'];
    if (!isObject(call) || typeof call['fn'] !== 'string')
      throw new EvaluationError(`no call: ${JSON.stringify(json)}`);
    const args = Array.isArray(call['args']) ? call['args'] : [call['arg']];
    return callExtension(call['fn'], args.map(valueFromJson));
  }
  return recordFromJson(json);
}

export function recordFromJson(json: Readonly<Record<string, unknown>>): RecordValue {
  return recordValue(Object.entries(json).map(([name, value]) => [name, valueFromJson(value)] as const));
}

/** Builds the store of a request; ancestors are closed over parents once, here. */
export function entitiesFromJson(entities: readonly EntityJson[]): EntityStore {
  const parents = new Map(
    entities.map(({ uid, parents }) => [
      entityKey(uid.type, uid.id),
      parents.map(parent => entityKey(parent.type, parent.id)),
    ]),
  );
  const store = new Map<string, EntityData>();
  for (const entity of entities) {
    const key = entityKey(entity.uid.type, entity.uid.id);
    store.set(key, {
      attrs: recordFromJson(entity.attrs).fields,
      tags: recordFromJson(entity.tags ?? {}).fields,
      ancestors: ancestorsOf(key, parents),
    });
  }
  return store;
}

function ancestorsOf(key: string, parents: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const open = [...(parents.get(key) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(parents.get(next) ?? []));
  }
  return found;
}

/** The entity of a request, with its data at hand. */
export function knownEntity(uid: EntityUid, store: EntityStore): EntityValue {
  return entityValue(uid.type, uid.id, store.get(entityKey(uid.type, uid.id)) ?? null);
}

/** An entity written `Type::"id"`, as links are; null if it is not one. */
export function parseUid(text: string): (EntityUid & { readonly key: string }) | null {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)::"([^"\\]*)"$/.exec(text);
  const type = match?.[1];
  const id = match?.[2];
  return type === undefined || id === undefined ? null : { type, id, key: entityKey(type, id) };
}
