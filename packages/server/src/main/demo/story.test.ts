import { describe, expect, test } from 'vitest';
import { CUSTOMERS, type Customer, CUT_CUSTOMER, CUT_LINE, type Line } from './customers.ts';
import { AS_OF } from './deployment.ts';
import { FACTS } from './facts.ts';
import { knows, messageOf } from './talk.ts';

const linesOf = (customer: Customer): readonly Line[] => [
  ...customer.lines,
  ...(customer.id === CUT_CUSTOMER ? [CUT_LINE] : []),
  customer.last,
];

describe.each(CUSTOMERS)('$id', customer => {
  test('holds a conversation of three turns or more', () => {
    expect(customer.lines.length).toBeGreaterThanOrEqual(3);
  });

  test('asks only about what an earlier turn told, so that an answer shows memory', () => {
    const lines = linesOf(customer);
    for (const [at, line] of lines.entries()) {
      if (line.asks === null) continue;
      const { about } = line.asks;
      const earlier = lines.slice(0, at);
      expect(
        earlier.some(one => one.tells.includes(about)),
        `${about} was told`,
      ).toBe(true);
      expect(knows(messageOf(line), about), `turn ${at + 1} gives ${about} away`).toBe(false);
    }
    expect(customer.last.asks?.about).toSatisfy((about: string) =>
      customer.lines[0].tells.some(name => name === about),
    );
  });
});

describe('the facts', () => {
  test.each(Object.entries(FACTS))('%s is known on the day of the story, by words of its own', (name, fact) => {
    expect(fact.date <= AS_OF).toBe(true);
    expect(fact.says).toContain(fact.key);
    expect(fact.says).not.toMatch(/[.?!]$/);
    expect(
      Object.entries(FACTS)
        .filter(([, other]) => other.says.includes(fact.key))
        .map(([one]) => one),
    ).toEqual([name]);
  });

  test('an answer knows a fact whatever its letter case and dashes', () => {
    expect(knows('It stays on AZURE: a different, NON\u2011API product', 'openaisView')).toBe(true);
    expect(knows('Nothing that I was sent answers that.', 'openaisView')).toBe(false);
  });
});
