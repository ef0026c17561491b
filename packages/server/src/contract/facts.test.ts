/** What clauses are told, from a contract's text to its judgement: events, rights of first refusal, spend, and what nobody knows. */
import { describe, expect, test } from 'vitest';
import type { Contract } from './contract.ts';
import type { RuleFacts, RulePlace } from './facts.ts';
import { findingLine } from './finding.ts';
import { checkContract, loadContract } from './load.ts';
import { NOTHING_RECORDED, type Recorded } from './recorded.ts';
import type { ContractFiles } from './rule.ts';

const MAY = Date.UTC(2026, 4, 10);
const PLACE: RulePlace = {
  cloud: 'aws',
  region: 'us-east-1',
  jurisdiction: 'us',
  sovereignty: 'commercial',
  clearances: [],
};
const PLACES = [PLACE];
const PRODUCT = { id: 'api', vendor: 'openai', kind: 'api' };
const NOTHING_DONE = { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };
const CHANNEL = { id: 'direct', seller: 'openai', kind: 'direct' };

/** A contract that allows all but what the condition forbids. */
function filesWith(condition: string, action = 'infer'): ContractFiles {
  return {
    'contract.yaml': `
id: test
version: "1"
title: A test
sources: {s: {title: Nobody}}
clauses:
  base: {source: s, confidence: A, summary: all}
  it: {source: s, confidence: A, summary: it}
`,
    'clauses.cedar': `@id("base") permit (principal, action, resource);
@id("it") @cite("page 1") forbid (principal, action == Action::"${action}", resource) when { ${condition} };`,
  };
}

function contractWith(condition: string, action?: string): Contract {
  const { contract, findings } = loadContract(filesWith(condition, action));
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  return contract;
}

function facts(more: Partial<RuleFacts> = {}): RuleFacts {
  return {
    session: { tenant: 'acme', product: PRODUCT, channel: CHANNEL, segment: 'commercial', stateHeld: true },
    vendor: 'openai',
    purpose: 'turn',
    sessionLabels: [],
    requestLabels: [],
    at: MAY,
    recorded: NOTHING_RECORDED,
    ...more,
  };
}

/** `allowed`, the clauses that forbid, or why they fail. */
function said(contract: Contract, of: RuleFacts): string {
  const [judgement] = contract.judge('infer', of, 'stateful', PLACES);
  const failures = judgement?.errors.map(error => `${error.clause.clause}: ${error.message}`) ?? [];
  return [...(judgement?.forbids.map(ref => ref.clause) ?? []), ...failures].join('; ') || 'allowed';
}

const recorded = (date: string): Recorded => ({
  events: [{ id: 'agi-verified', date, source: 'a panel' }],
  firstRefusals: [],
});

describe('events', () => {
  const contract = contractWith('context.call.events.contains("agi-verified")');

  test('are those at or before the time that contracts see', () => {
    expect(said(contract, facts())).toBe('allowed');
    expect(said(contract, facts({ recorded: recorded('2026-05-10') }))).toBe('it');
    expect(said(contract, facts({ recorded: recorded('2026-05-10'), at: MAY - 1 }))).toBe('allowed');
    expect(said(contract, facts({ recorded: recorded('2026-05-10T00:00:00.001Z') }))).toBe('allowed');
    expect(said(contract, facts({ recorded: recorded('2026-05-10T00:00:00.001Z'), at: MAY + 1 }))).toBe('it');
  });

  test('are told of sales too', () => {
    const sales = contractWith('context.events.contains("agi-verified")', 'distribute');
    const sale = { channel: CHANNEL, product: PRODUCT, segment: 'commercial', at: MAY };
    const forbids = (of: Recorded) => sales.judgeSale({ ...sale, recorded: of }).forbids.map(ref => ref.clause);
    expect(forbids(NOTHING_RECORDED)).toEqual([]);
    expect(forbids(recorded('2026-05-10'))).toEqual(['it']);
    expect(forbids(recorded('2026-05-11'))).toEqual([]);
  });
});

describe('rights of first refusal', () => {
  const offer = { id: 'first', offered: '2026-05-01', deadline: '2026-05-09', source: 'a letter' };
  const open: Recorded = { events: [], firstRefusals: [{ ...offer, product: 'api', answer: null }] };

  test('are told by state, of the product that is sold', () => {
    const offered = contractWith('context.call.firstRefusal.offered.contains("first")');
    const lapsed = contractWith('context.call.firstRefusal.lapsed.contains("first")');
    expect(said(offered, facts({ recorded: open, at: MAY - 1 }))).toBe('it');
    expect(said(offered, facts({ recorded: open }))).toBe('allowed');
    expect(said(lapsed, facts({ recorded: open }))).toBe('it');
    const session = { ...facts().session, product: { ...PRODUCT, id: 'frontier' } };
    expect(said(lapsed, facts({ recorded: open, session }))).toBe('allowed');
  });

  test('are told of sales too', () => {
    const sales = contractWith('context.firstRefusal.lapsed.contains("first")', 'distribute');
    const sale = { channel: CHANNEL, product: PRODUCT, segment: 'commercial', recorded: open };
    expect(sales.judgeSale({ ...sale, at: MAY }).forbids).toHaveLength(1);
    expect(sales.judgeSale({ ...sale, at: MAY - 1 }).forbids).toHaveLength(0);
  });
});

describe('spend to date', () => {
  const contract = contractWith('context.call.spend.month >= 5000000');

  test('is compared in micro-USD', () => {
    expect(said(contract, facts({ spend: { month: 4_999_999, total: 0 } }))).toBe('allowed');
    expect(said(contract, facts({ spend: { month: 5_000_000, total: 0 } }))).toBe('it');
    const total = contractWith('context.call.spend.total > 1');
    expect(said(total, facts({ spend: { month: 9, total: 1 } }))).toBe('allowed');
    expect(said(total, facts({ spend: { month: 0, total: 2 } }))).toBe('it');
  });

  test('that is not known denies, and says so: it is not zero', () => {
    expect(said(contract, facts())).toBe('it: record has no attribute "spend": the fact is not known');
  });

  test('may not be guarded, which would allow what is not known', () => {
    const findings = checkContract(filesWith('context.call has spend && context.call.spend.month > 5'));
    expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual(['error fact_guarded']);
    const longer = checkContract(filesWith('context.call has spend.month && context.call.spend.month > 5'));
    expect(longer.map(({ code }) => code)).toContain('fact_guarded');
  });
});

describe('who asks', () => {
  test('is the key, by its id and its scopes', () => {
    const key = contractWith('principal.key == "key_a"');
    expect(said(key, facts({ principal: { key: 'key_a' } }))).toBe('it');
    expect(said(key, facts({ principal: { key: 'key_b' } }))).toBe('allowed');
    const scopes = contractWith('!principal.scopes.contains("agents")');
    expect(said(scopes, facts({ principal: { key: 'k', scopes: ['agents'] } }))).toBe('allowed');
    expect(said(scopes, facts({ principal: { key: 'k', scopes: [] } }))).toBe('it');
  });

  test('that is not known denies, and says so', () => {
    const unknown = (attr: string) => `it: Session::"session" has no attribute "${attr}": the fact is not known`;
    expect(said(contractWith('principal.key == "key_a"'), facts())).toBe(unknown('key'));
    const scopes = contractWith('principal.scopes.contains("agents")');
    expect(said(scopes, facts({ principal: { key: 'k' } }))).toBe(unknown('scopes'));
  });

  test('and the agent, where there is one', () => {
    const contract = contractWith(
      'context.call has agent && context.call.agent.id == "a" && context.call.agent.version < 3',
    );
    expect(said(contract, facts())).toBe('allowed');
    expect(said(contract, facts({ agent: { id: 'a', version: 2 } }))).toBe('it');
    expect(said(contract, facts({ agent: { id: 'a', version: 3 } }))).toBe('allowed');
    expect(said(contract, facts({ agent: { id: 'b', version: 2 } }))).toBe('allowed');
    expect(said(contractWith('!(context.call has agent)'), facts())).toBe('it');
  });
});

describe('the target', () => {
  const at = (contract: Contract, place: RulePlace): string => {
    const [judgement] = contract.judge('infer', facts(), 'stateful', [place]);
    return judgement?.errors[0]?.message ?? judgement?.forbids[0]?.clause ?? 'allowed';
  };

  test('is told by its id, its model and its accelerator', () => {
    const gpu = { ...PLACE, id: 'aws-1', model: 'gpt', accelerator: 'gpu' };
    const trn = { ...PLACE, id: 'aws-2', model: 'gpt-mini', accelerator: 'trainium' };
    for (const condition of ['resource.id == "aws-1"', 'resource.model == "gpt"', 'resource.accelerator == "gpu"']) {
      const contract = contractWith(condition);
      expect([at(contract, gpu), at(contract, trn), at(contract, gpu)]).toEqual(['it', 'allowed', 'it']);
    }
  });

  test('of which something is not known is denied by a clause that asks', () => {
    const home = { ...PLACE, id: 'local', accelerator: null };
    expect(at(contractWith('resource.accelerator == "gpu"'), home)).toMatch(/"accelerator": the fact is not known/);
    expect(at(contractWith('resource.model == "gpt"'), home)).toMatch(/"model": the fact is not known/);
    const careful = contractWith('!(resource has accelerator) || resource.accelerator != "gpu"');
    expect([at(careful, home), at(careful, { ...home, accelerator: 'gpu' })]).toEqual(['it', 'allowed']);
  });
});

describe('what the session has done so far', () => {
  const soFar = { turns: 2, itemsRead: 0, memoryReads: 0, toolsRun: 5, filesTouched: 1 };
  const contract = contractWith('context.use.toolsRun > 4');

  test('is what it had done before the call, not what it did in all', () => {
    expect(said(contract, facts({ soFar }))).toBe('it');
    expect(said(contract, facts({ soFar: { ...soFar, toolsRun: 4 } }))).toBe('allowed');
    const session = { ...facts().session, use: soFar };
    expect(said(contract, facts({ session, soFar: { ...soFar, toolsRun: 0 } }))).toBe('allowed');
  });

  test('that is not known denies, and says so', () => {
    expect(said(contract, facts())).toBe('it: record has no attribute "use": the fact is not known');
  });

  test.each(['place_state', 'execute', 'egress'] as const)('is told of %s too', action => {
    const other = contractWith('context.use.turns >= 2', action);
    expect(other.judge(action, facts({ soFar }), 'stateful', PLACES)[0]?.forbids).toHaveLength(1);
    expect(other.judge(action, facts({ soFar: { ...soFar, turns: 1 } }), 'stateful', PLACES)[0]?.forbids).toEqual([]);
  });
});

describe('what nobody knows denies', () => {
  test.each([
    ['a fact that the schema has not', 'context.call.weather == "fair"', 'cedar_invalid'],
    ['an event asked for as if it were an attribute', 'context.call.events.agi', 'cedar_invalid'],
    ['a state that a right cannot be in', 'context.call.firstRefusal.ignored.contains("x")', 'cedar_invalid'],
    ['a count that nobody keeps', 'context.use.naps > 1', 'cedar_invalid'],
    ['an agent, of calls that may have none', 'context.call.agent.id == "a"', 'cedar_invalid'],
  ])('%s: not even loaded', (_, condition, code) => {
    const { contract, findings } = loadContract(filesWith(condition));
    expect(contract).toBeNull();
    expect(findings.map(finding => finding.code)).toContain(code);
  });

  test('an entity that the call does not have', () => {
    const other = contractWith('Product::"frontier".kind == "api"');
    expect(said(other, facts())).toBe('it: entity Product::"frontier" does not exist');
  });

  test('a policy that cannot be computed', () => {
    const overflow = contractWith('context.call.spend.month * 9007199254740991 * 9007199254740991 > 1');
    expect(said(overflow, facts({ spend: { month: 2, total: 2 } }))).toMatch(/^it: integer overflow/);
  });
});

describe('what clauses said is kept', () => {
  const LATER = MAY + 1;
  const all = facts({
    spend: { month: 1, total: 1 },
    soFar: NOTHING_DONE,
    agent: { id: 'a', version: 1 },
    principal: { key: 'k', scopes: [] },
  });
  /** Whether a second call with other facts found the first one's answer. */
  const kept = (condition: string, other: Partial<RuleFacts>): boolean => {
    const contract = contractWith(condition);
    const first = contract.judge('infer', all, 'stateful', PLACES);
    return contract.judge('infer', { ...all, ...other }, 'stateful', PLACES) === first;
  };

  const OTHERS: Readonly<Record<string, Partial<RuleFacts>>> = {
    time: { at: LATER },
    events: { recorded: recorded('2026-05-01') },
    firstRefusal: {
      recorded: {
        events: [],
        firstRefusals: [
          { id: 'x', product: null, offered: '2026-05-01', deadline: '2026-06-01', answer: null, source: 'x' },
        ],
      },
    },
    spend: { spend: { month: 2, total: 2 } },
    use: { soFar: { ...NOTHING_DONE, turns: 1 } },
    agent: { agent: { id: 'a', version: 2 } },
    key: { principal: { key: 'k2', scopes: [] } },
    scopes: { principal: { key: 'k', scopes: ['agents'] } },
  };
  const CONDITIONS: Readonly<Record<string, string>> = {
    nothing: 'context.call.purpose == "eval"',
    time: 'context.call.at.toTime() > duration("1h")',
    events: 'context.call.events.contains("x")',
    firstRefusal: 'context.call.firstRefusal.declined.contains("x")',
    spend: 'context.call.spend.total > 5',
    use: 'context.use.turns > 5',
    agent: 'context.call has agent && context.call.agent.id == "b"',
    key: 'principal.key == "other"',
    scopes: 'principal.scopes.contains("other")',
  };
  /** A key is told with its scopes: whoever reads the one is told the other. */
  const WITH: Readonly<Record<string, string>> = { scopes: 'key' };
  const cells = Object.entries(CONDITIONS).flatMap(([reads, condition]) =>
    Object.entries(OTHERS).map(([differs, other]) => [reads, differs, condition, other] as const),
  );

  test.each(cells)('by a clause that reads %s, when the %s differs', (reads, differs, condition, other) => {
    expect(kept(condition, other)).toBe((WITH[reads] ?? reads) !== (WITH[differs] ?? differs));
  });

  test.each([
    ['context.call.purpose == "eval"', []],
    ['context.call.spend.total > 5', []],
    ['context.call.at > datetime("2026-05-10")', [MAY, MAY + 1]],
    ['context.call.at == context.call.at', null],
    ['context.call.events.contains("x")', [MAY + 7]],
    ['context.call.firstRefusal.declined.contains("x")', [MAY + 7]],
  ])('%s may say another thing from %s on', (condition, expected) => {
    const events = [{ id: 'y', date: new Date(MAY + 7).toISOString(), source: 's' }];
    expect(contractWith(condition).changesAt({ events, firstRefusals: [] })).toEqual(expected);
  });

  test('from one date of a clause to the next', () => {
    const dated = 'context.call.at >= datetime("2026-05-10") && context.call.at < datetime("2026-06-01")';
    const contract = contractWith(dated);
    const asked = (at: number) => contract.judge('infer', facts({ at }), 'stateful', PLACES);
    const june = Date.UTC(2026, 5, 1);
    expect(asked(MAY - 1)).toBe(asked(MAY - 1000));
    expect(asked(MAY + 1)).toBe(asked(june - 1));
    expect([MAY - 1, MAY, june - 1, june].map(at => said(contract, facts({ at })))).toEqual([
      'allowed',
      'it',
      'it',
      'allowed',
    ]);
  });
});
