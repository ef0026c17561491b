/** Which of the facts that differ from call to call a policy can tell apart. What it decides is kept as long as those are the same. */
import { datetimeMs } from './instant.ts';

export interface Reads {
  /** One moment from any other. */
  readonly time: boolean;
  /** Only whether it is before, at or after these moments (ms since 1970). */
  readonly moments: readonly number[];
  /** What a session did: definitions are told what it did in all, clauses what it had done so far. */
  readonly use: boolean;
  readonly events: boolean;
  readonly firstRefusal: boolean;
  readonly spend: boolean;
  /** The tool that runs, and where data goes. */
  readonly tool: boolean;
  readonly destination: boolean;
  /** The agent of the session. */
  readonly agent: boolean;
  /** The key that asks, or its scopes. */
  readonly key: boolean;
}

type Node = Readonly<Record<string, unknown>>;
type Fact = Exclude<keyof Reads, 'moments'>;

const OF_CALL: Readonly<Record<string, Fact>> = {
  at: 'time',
  events: 'events',
  firstRefusal: 'firstRefusal',
  spend: 'spend',
  agent: 'agent',
};
/** Of the principal; entities are compared by their ids, and so one that is compared as a whole reads none of them. */
const OF_PRINCIPAL: ReadonlySet<string> = new Set(['key', 'scopes']);
const ALL_OF_CALL: readonly Fact[] = Object.values(OF_CALL);
const EVERYTHING: readonly Fact[] = [...ALL_OF_CALL, 'use', 'tool', 'destination'];
/** `context.x`, where it says more or less than the fact of that name. */
const OF_CONTEXT: Readonly<Record<string, readonly Fact[]>> = {
  class: [],
  segment: [],
  at: ['time'],
  events: ['events'],
  firstRefusal: ['firstRefusal'],
  use: ['use'],
  tool: ['tool'],
  destination: ['destination'],
  call: ALL_OF_CALL,
};
const COMPARISONS = ['<', '<=', '>', '>=', '==', '!='] as const;

/** A use of the context that cannot be told (the whole record compared, say) counts as reading everything in it. */
export function readsOf(est: unknown): Reads {
  const facts = new Set<Fact>();
  const moments = new Set<number>();
  visit(est, facts, moments);
  return {
    time: facts.has('time'),
    moments: [...moments],
    use: facts.has('use'),
    events: facts.has('events'),
    firstRefusal: facts.has('firstRefusal'),
    spend: facts.has('spend'),
    tool: facts.has('tool'),
    destination: facts.has('destination'),
    agent: facts.has('agent'),
    key: facts.has('key'),
  };
}

/** What any of them reads. */
export function readsOfAll(all: readonly Reads[]): Reads {
  return {
    time: all.some(one => one.time),
    moments: [...new Set(all.flatMap(one => one.moments))].toSorted((a, b) => a - b),
    use: all.some(one => one.use),
    events: all.some(one => one.events),
    firstRefusal: all.some(one => one.firstRefusal),
    spend: all.some(one => one.spend),
    tool: all.some(one => one.tool),
    destination: all.some(one => one.destination),
    agent: all.some(one => one.agent),
    key: all.some(one => one.key),
  };
}

function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isContext(json: unknown): boolean {
  return isNode(json) && json['Var'] === 'context';
}

/** `of.attr`, taken apart. */
function access(node: unknown): { of: unknown; attr: string } | null {
  return attributeIn(isNode(node) ? node['.'] : undefined);
}

/** As `access`, or `of has attr`, or `of has attr.more`. */
function asked(node: Node): { of: unknown; attr: string } | null {
  return access(node) ?? attributeIn(node['has']);
}

function attributeIn(json: unknown): { of: unknown; attr: string } | null {
  if (!isNode(json)) return null;
  const { attr, left } = json;
  const first: unknown = Array.isArray(attr) ? attr[0] : attr;
  return typeof first === 'string' ? { of: left, attr: first } : null;
}

function visit(est: unknown, facts: Set<Fact>, moments: Set<number>): void {
  if (Array.isArray(est)) for (const item of est) visit(item, facts, moments);
  if (!isNode(est)) return;
  if (isContext(est)) return addAll(EVERYTHING, facts);
  const moment = momentCompared(est);
  if (moment !== null) return void moments.add(moment);
  const outer = asked(est);
  if (outer !== null) {
    if (isContext(outer.of)) return addAll(OF_CONTEXT[outer.attr] ?? EVERYTHING, facts);
    if (OF_PRINCIPAL.has(outer.attr)) facts.add('key');
    const inner = access(outer.of);
    if (inner !== null && isContext(inner.of) && inner.attr === 'call') {
      const fact = OF_CALL[outer.attr];
      return fact === undefined ? undefined : void facts.add(fact);
    }
  }
  for (const part of Object.values(est)) visit(part, facts, moments);
}

function addAll(some: readonly Fact[], facts: Set<Fact>): void {
  for (const fact of some) facts.add(fact);
}

/** `context.call.at < datetime("...")` and the like, either way round. */
function momentCompared(node: Node): number | null {
  for (const operator of COMPARISONS) {
    const sides = node[operator];
    if (!isNode(sides)) continue;
    const { left, right } = sides;
    if (isTime(left)) return literalMoment(right);
    if (isTime(right)) return literalMoment(left);
  }
  return null;
}

function isTime(json: unknown): boolean {
  const outer = access(json);
  if (outer?.attr !== 'at') return false;
  if (isContext(outer.of)) return true;
  const inner = access(outer.of);
  return inner?.attr === 'call' && isContext(inner.of);
}

function literalMoment(json: unknown): number | null {
  const args = isNode(json) ? json['datetime'] : undefined;
  const [literal] = Array.isArray(args) ? (args as readonly unknown[]) : [];
  const text = isNode(literal) ? literal['Value'] : undefined;
  return typeof text === 'string' ? datetimeMs(text) : null;
}
