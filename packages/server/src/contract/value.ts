/**
 * Cedar values at run time.
 *
 * A Long is a `number` while it is a safe integer and a `bigint` beyond, never both for one value: equality stays `===`
 * and the common case costs nothing. Records and attributes are Maps, so that no attribute name can reach a prototype.
 */
export type Long = number | bigint;

export interface EntityData {
  readonly attrs: ReadonlyMap<string, Value>;
  /** Keys of every entity above this one, itself excluded. */
  readonly ancestors: ReadonlySet<string>;
  readonly tags: ReadonlyMap<string, Value>;
}

export interface EntityValue {
  readonly kind: 'entity';
  readonly type: string;
  readonly id: string;
  readonly key: string;
  /** Null for a literal in a policy, whose data (if any) is in the store of the request. */
  readonly data: EntityData | null;
}

export type Primitive = string | number | bigint | boolean;

export interface SetValue {
  readonly kind: 'set';
  readonly primitives: ReadonlySet<Primitive>;
  /** The same, to walk over: iterating a Set allocates. */
  readonly list: readonly Primitive[];
  /** Members that are objects, each once. */
  readonly objects: readonly ObjectValue[];
}

export interface RecordValue {
  readonly kind: 'record';
  readonly fields: ReadonlyMap<string, Value>;
}

export interface IpValue {
  readonly kind: 'ip';
  readonly version: 4 | 6;
  readonly address: bigint;
  readonly prefix: number;
}

/** Ten-thousandths. */
export interface DecimalValue {
  readonly kind: 'decimal';
  readonly scaled: Long;
}

export interface DatetimeValue {
  readonly kind: 'datetime';
  readonly ms: Long;
}

export interface DurationValue {
  readonly kind: 'duration';
  readonly ms: Long;
}

export type ObjectValue = EntityValue | SetValue | RecordValue | IpValue | DecimalValue | DatetimeValue | DurationValue;
export type Value = boolean | string | Long | ObjectValue;

/** The entities that a request knows, by key. */
export type EntityStore = ReadonlyMap<string, EntityData>;

/** What a policy sees. */
export interface Env {
  readonly principal: EntityValue;
  readonly action: EntityValue;
  readonly resource: EntityValue;
  readonly context: RecordValue;
  readonly entities: EntityStore;
  /** Results that hold for every place of the call, and for every call at the place, by slot; null to keep none. */
  readonly callMemo: Memo | null;
  readonly placeMemo: Memo | null;
}

export type Memo = (Value | undefined)[];

/** A policy could not be evaluated on this request. Whoever asked must deny: stock Cedar skips the policy and may allow. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

export function entityKey(type: string, id: string): string {
  return `${type}::${JSON.stringify(id)}`;
}

export function entityValue(type: string, id: string, data: EntityData | null): EntityValue {
  return { kind: 'entity', type, id, key: entityKey(type, id), data };
}

export function recordValue(fields: Iterable<readonly [string, Value]>): RecordValue {
  return { kind: 'record', fields: new Map(fields) };
}

export function setValue(items: Iterable<Value>): SetValue {
  const primitives = new Set<Primitive>();
  const objects: ObjectValue[] = [];
  for (const item of items) {
    if (typeof item !== 'object') primitives.add(item);
    else if (!objects.some(other => equal(other, item))) objects.push(item);
  }
  return { kind: 'set', primitives, list: [...primitives], objects };
}

export function setHas(set: SetValue, item: Value): boolean {
  if (typeof item !== 'object') return set.primitives.has(item);
  for (const other of set.objects) if (equal(other, item)) return true;
  return false;
}

export function setHasAll(set: SetValue, wanted: SetValue): boolean {
  for (const item of wanted.list) if (!set.primitives.has(item)) return false;
  for (const item of wanted.objects) if (!setHas(set, item)) return false;
  return true;
}

export function setHasAny(set: SetValue, wanted: SetValue): boolean {
  for (const item of wanted.list) if (set.primitives.has(item)) return true;
  for (const item of wanted.objects) if (setHas(set, item)) return true;
  return false;
}

export function setIsEmpty(set: SetValue): boolean {
  return set.list.length === 0 && set.objects.length === 0;
}

/** Cedar's `==`: total, and false across types. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  switch (a.kind) {
    case 'entity':
      return b.kind === 'entity' && a.key === b.key;
    case 'set':
      return (
        b.kind === 'set' &&
        a.primitives.size === b.primitives.size &&
        a.objects.length === b.objects.length &&
        setHasAll(a, b)
      );
    case 'record':
      return b.kind === 'record' && equalFields(a.fields, b.fields);
    case 'ip':
      return b.kind === 'ip' && a.version === b.version && a.address === b.address && a.prefix === b.prefix;
    case 'decimal':
      return b.kind === 'decimal' && a.scaled === b.scaled;
    case 'datetime':
      return b.kind === 'datetime' && a.ms === b.ms;
    case 'duration':
      return b.kind === 'duration' && a.ms === b.ms;
  }
}

function equalFields(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** The name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (typeof value === 'object') return value.kind === 'entity' ? `entity ${value.type}` : value.kind;
  return typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : 'long';
}
