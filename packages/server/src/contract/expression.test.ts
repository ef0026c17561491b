/** What the random policies seldom or never reach: literals at their edges, refusals, bounds. Cedar is the judge where it can be asked. */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, test } from 'vitest';
import { compileExpression, MAX_EXPRESSION_DEPTH, UnsupportedPolicy } from './expression.ts';
import { memoPlan } from './remembered.ts';
import { compilePolicy, evaluate } from './policy.ts';
import { entityValue, type Env, EvaluationError, recordValue, type Value } from './value.ts';

const someone = entityValue('User', 'a', null);
const env: Env = {
  principal: someone,
  action: entityValue('Action', 'x', null),
  resource: entityValue('Thing', 'b', null),
  context: recordValue([]),
  entities: new Map(),
  callMemo: null,
  placeMemo: null,
};

const policy = (condition: string) => `permit (principal, action, resource) when { ${condition} };`;

function ours(condition: string): string {
  const est = cedar.policyToJson(policy(condition));
  if (est.type === 'failure') throw new Error(est.errors.map(error => error.message).join('; '));
  const outcome = compilePolicy(est.json).evaluate(env);
  return outcome instanceof EvaluationError ? 'error' : outcome;
}

function theirs(condition: string): string {
  const answer = cedar.isAuthorized({
    principal: { type: 'User', id: 'a' },
    action: { type: 'Action', id: 'x' },
    resource: { type: 'Thing', id: 'b' },
    context: {},
    entities: [],
    policies: { staticPolicies: { p: policy(condition) } },
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
  const { decision, diagnostics } = answer.response;
  return diagnostics.errors.length > 0 ? 'error' : decision === 'allow' ? 'applies' : 'not';
}

const LITERALS: Readonly<Record<string, readonly string[]>> = {
  ip: [
    '1.2.3.4',
    '1.2.3.4/0',
    '1.2.3.4/08',
    '1.2.3.4/032',
    '1.2.3.4/+8',
    '1.2.3.4/33',
    '01.2.3.4',
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '',
    '/8',
    '1.2.3.4/',
    '::',
    '::1',
    '1::',
    '1::2::3',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7',
    ':1',
    '1:',
    ':::',
    '12345::',
    'g::',
    'FF00::1',
    '::1/128',
    '::1/129',
    '::1/0',
    '::1/007',
    '::ffff:1.2.3.4',
    '[::1]',
    '::1%1',
    ' ::1',
    '1.2.3.4 ',
  ],
  decimal: [
    '0.0',
    '-0.0',
    '1.0',
    '1.00001',
    '1.2345',
    '-0.5',
    '.5',
    '5.',
    '5',
    '+1.0',
    '00001.10',
    '922337203685477.5807',
    '922337203685477.5808',
    '-922337203685477.5808',
    '-922337203685477.5809',
    '1.0 ',
    '',
    '-',
  ],
  datetime: [
    '2026-02-27',
    '0000-01-01',
    '0099-12-31',
    '9999-12-31',
    '2024-02-29',
    '2025-02-29',
    '2026-00-01',
    '2026-13-01',
    '2026-01-00',
    '2026-1-1',
    '2026-01-01T',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00Z',
    '2026-01-01T23:59:59.999Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00.1Z',
    '2026-01-01T00:00:00+2359',
    '2026-01-01T00:00:00+2400',
    '2026-01-01T00:00:00-0060',
    '2026-01-01T00:00:00-0000',
    '2026-01-01T00:00:00.123-0130',
    '2026-01-01t00:00:00Z',
    '2026-01-01 ',
    '',
  ],
  duration: [
    '0ms',
    '1d2h3m4s5ms',
    '-1d2h',
    '2h1d',
    '',
    '-',
    '1',
    'ms',
    '1.5h',
    '00001ms',
    '-0ms',
    '9223372036854775807ms',
    '9223372036854775808ms',
    '-9223372036854775808ms',
    '-9223372036854775809ms',
    '106751991167d',
    '106751991168d',
    '99999999999999999999d',
    '1h1h',
    '--1h',
  ],
};

describe('literals are read as Cedar reads them', () => {
  for (const [type, texts] of Object.entries(LITERALS)) {
    test.each(texts)(`${type}("%s")`, text => {
      // Equal to itself, unless it cannot be read; and then what it is worth, seen from the others of its type.
      expect(ours(`${type}("${text}") == ${type}("${text}")`)).toBe(theirs(`${type}("${text}") == ${type}("${text}")`));
      for (const other of texts.slice(0, 6)) {
        const question = `${type}("${text}") == ${type}("${other}")`;
        expect(ours(question), question).toBe(theirs(question));
      }
    });
  }
});

const QUESTIONS = [
  'datetime("1969-12-31T23:00:00Z").toTime() == duration("23h")',
  'datetime("1969-12-31T23:00:00Z").toDate() == datetime("1969-12-31")',
  'datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toDate() == datetime("1970-01-01")',
  'datetime("2026-01-01").offset(duration("9223372036854775807ms")) == datetime("2026-01-01")',
  'duration("-1500ms").toSeconds() == -1',
  'duration("-9223372036854775808ms").toMilliseconds() == -4611686018427387 * 2000 - 1808',
  'duration("-9223372036854775808ms").toDays() == -106751991167',
  '4611686018427387 * 2000 > 9007199254740991',
  '-(-4611686018427387 * 2000 - 1808) == 1',
  '3037000500 * 3037000500 == 1',
  '3037000499 * 3037000499 == 4611686015463124 * 2000 + 1001',
  '9007199254740991 + 1 == 9007199254740991 + 1',
  '9007199254740991 + 2 == 9007199254740991 + 1',
  '0 * -5 == 0',
  '[0 * -5].contains(0)',
  'ip("10.0.0.1/8") == ip("10.0.0.0/8")',
  'ip("127.0.0.1/7").isLoopback()',
  'ip("::1/127").isLoopback()',
  'ip("224.0.0.1/3").isMulticast()',
  'ip("10.0.0.0/8").isInRange(ip("10.0.0.0/9"))',
  'ip("::a00:1").isInRange(ip("10.0.0.0/8"))',
  '"a*c" like "a\\*c"',
  '"abc" like "a\\*c"',
  '"aXbXc" like "a*b*c"',
  '"ab" like "ab*b"',
  '"abab" like "*ab"',
  '"é😀x" like "*😀*"',
  'User::"a" in [User::"a", 1]',
  'User::"z" has x',
  'User::"z".x == 1',
  'User::"z".hasTag("t")',
  'User::"z".getTag("t") == 1',
  '{a: 1} has "a"',
  '{} has __proto__',
  '{} has constructor',
  '{} has "toString"',
  '{"__proto__": 1}["__proto__"] == 1',
  '{a: {b: 1}} has a.b',
  '{a: 1} has a.b',
  '[[1], [1, 1]] == [[1]]',
  '[{a: 1}].contains({a: 1})',
  '[1, "1", true].containsAll([true, "1"])',
  '[1] == [true]',
  'false && 1',
  'true || 1',
  'true && 1',
  'if 1 then true else true',
  'ip("::1") < ip("::2")',
] as const;

test.each(QUESTIONS)('%s', question => {
  expect(ours(question)).toBe(theirs(question));
});

describe('what is not known is refused when a contract is loaded', () => {
  const refused = (est: unknown): string => {
    try {
      compileExpression(est);
      return 'compiled';
    } catch (error) {
      return error instanceof UnsupportedPolicy ? error.code : 'thrown';
    }
  };

  test.each([
    [{ Unknown: [{ Value: 'x' }] }],
    [{ Slot: '?principal' }],
    [{ Var: 'subject' }],
    [{ Value: null }],
    [{ Value: { __extn: { fn: 'isPrime', arg: 'x' } } }],
    [{ isPrime: [{ Value: 1 }] }],
    [{ ip: [] }],
    [{ isInRange: [{ Value: 1 }] }],
    [{ '&&': { left: { Value: true } } }],
    [{ like: { left: { Value: 'a' }, pattern: ['Joker'] } }],
    [{ constructor: [{ Value: 1 }] }],
    [{}],
    [{ Value: 1, Var: 'context' }],
    ['text'],
  ])('%j', est => {
    expect(refused(est)).toBe('unsupported_node');
  });

  test('integers that JSON cannot carry', () => {
    expect(refused({ Value: Number.MAX_SAFE_INTEGER })).toBe('compiled');
    expect(refused({ Value: -Number.MAX_SAFE_INTEGER })).toBe('compiled');
    expect(refused({ Value: Number.MAX_SAFE_INTEGER + 1 })).toBe('integer_too_large');
    expect(refused({ Value: -Number.MAX_SAFE_INTEGER - 1 })).toBe('integer_too_large');
  });

  test('expressions that nest too deep', () => {
    const nested = (depth: number): unknown => (depth === 0 ? { Value: true } : { '!': { arg: nested(depth - 1) } });
    expect(refused(nested(MAX_EXPRESSION_DEPTH))).toBe('compiled');
    expect(refused(nested(MAX_EXPRESSION_DEPTH + 1))).toBe('expression_too_deep');
  });

  test.each([
    [{ effect: 'allow' }],
    [{ principal: { op: 'like' } }],
    [{ principal: { op: 'in', slot: '?principal' } }],
    [{ action: { op: 'is', entity_type: 'Action' } }],
    [{ conditions: [{ kind: 'while', body: { Value: true } }] }],
  ])('a policy with %j', part => {
    const all = { op: 'All' };
    const good = { effect: 'permit', principal: all, action: all, resource: all, conditions: [] };
    expect(() => compilePolicy(good)).not.toThrow();
    expect(() => compilePolicy({ ...good, ...part })).toThrow(UnsupportedPolicy);
  });
});

describe('what is remembered', () => {
  const est = (text: string): unknown => {
    const answer = cedar.policyToJson(policy(text));
    return answer.type === 'success' ? answer.json : null;
  };

  test('clauses that ask the same of the call or of the place share the answer', () => {
    const plan = memoPlan();
    const text = 'resource.x == context.y';
    for (const effect of ['permit', 'permit']) compilePolicy({ ...(est(text) as object), effect }, new Map(), plan);
    expect([plan.call.size, plan.place.size]).toEqual([1, 1]);
  });

  test('a literal may be the place itself: what is said of it is not remembered', () => {
    const plan = memoPlan();
    compilePolicy(est('Thing::"b".x == 1'), new Map(), plan);
    expect([plan.call.size, plan.place.size]).toEqual([0, 0]);
  });

  test('an error is not remembered as an answer', () => {
    const plan = memoPlan();
    const compiled = compilePolicy(est('resource.x == context.y'), new Map(), plan);
    const memo: (Value | undefined)[] = [];
    const failing: Env = { ...env, callMemo: memo, placeMemo: memo };
    expect(compiled.evaluate(failing)).toBeInstanceOf(EvaluationError);
    expect(compiled.evaluate(failing)).toBeInstanceOf(EvaluationError);
  });
});

test('a policy that fails denies, where stock Cedar would skip it', () => {
  const failing = 'forbid (principal, action, resource) when { context.missing };';
  const asked = (...texts: string[]) => {
    const policies = texts.map((text, i) => {
      const answer = cedar.policyToJson(text);
      if (answer.type === 'failure') throw new Error(text);
      return [`p${i}`, compilePolicy(answer.json)] as const;
    });
    return evaluate(new Map(policies), env);
  };
  expect(asked(policy('true'))).toEqual({ decision: 'allow', reasons: ['p0'], errors: [] });
  expect(asked(policy('true'), failing)).toEqual({ decision: 'deny', reasons: ['p0'], errors: ['p1'] });
  expect(asked(policy('true'), failing.replace('context.missing', 'true'))).toEqual({
    decision: 'deny',
    reasons: ['p1'],
    errors: [],
  });
  expect(asked(policy('false'))).toEqual({ decision: 'deny', reasons: [], errors: [] });
});
