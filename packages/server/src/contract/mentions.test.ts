import { describe, expect, test } from 'vitest';
import { CEDAR_HERE } from './cedar-here.ts';
import { joinMentions, type Mentions, mentionsOf } from './mentions.ts';

function of(condition: string, scope = 'principal, action == Action::"infer", resource'): Mentions {
  return mentionsOf(
    {
      'clauses.cedar': `@id("c") forbid (${scope})${condition === '' ? '' : ` when { ${condition} }`};`,
    },
    CEDAR_HERE,
  );
}

function brief({ facts }: Mentions): Record<string, unknown> {
  return Object.fromEntries([...facts].map(([path, { constants }]) => [path, [...constants]]));
}

describe('the facts that a clause reads, and what it compares them with', () => {
  test.each([
    ['context.call.vendor == Vendor::"openai"', { 'call.vendor': ['openai'] }],
    ['Vendor::"openai" != context.call.vendor', { 'call.vendor': ['openai'] }],
    ['context.call.product in Vendor::"openai"', { 'call.product.vendor': ['openai'] }],
    ['context.call.product in [Product::"a", Product::"b"]', { 'call.product.id': ['a', 'b'] }],
    [
      'context.call.channel.kind == "direct" || context.call.stateHeld',
      { 'call.channel.kind': ['direct'], 'call.stateHeld': [] },
    ],
    ['["us-gov", "us-natsec"].contains(context.call.segment)', { 'call.segment': ['us-gov', 'us-natsec'] }],
    ['resource in Cloud::"aws" && !(resource == Region::"r1")', { 'place.cloud': ['aws'], 'place.region': ['r1'] }],
    ['principal in Tenant::"acme"', { 'session.tenant': ['acme'] }],
    ['principal.labels.containsAny(["a", "b"])', { 'session.labels': ['a', 'b'] }],
    ['context.class == "stateful"', { class: ['stateful'] }],
    ['context.call.segment like "us-*"', { 'call.segment': ['us-'] }],
    ['context.call.at >= datetime("2026-03-01").offset(duration("1d"))', { 'call.at': [Date.UTC(2026, 2, 2)] }],
    [
      'if context.call.stateHeld then resource.sovereignty == "gov" else true',
      { 'call.stateHeld': [], 'place.sovereignty': ['gov'] },
    ],
    ['context.call.someday == 3', { 'call.someday': [3] }],
  ])('%s', (condition, expected) => {
    expect(brief(of(condition))).toEqual(expected);
  });

  test('of a scope, and of a link of a template', () => {
    expect(brief(of('', 'principal, action == Action::"infer", resource in Cloud::"aws"'))).toEqual({
      'place.cloud': ['aws'],
    });
    const linked = mentionsOf(
      {
        'clauses.cedar': '@id("t") forbid (principal in ?principal, action == Action::"infer", resource in ?resource);',
        'contract.yaml': `id: a
version: "1"
title: t
sources: {}
clauses: {}
links: [{id: l, template: t, principal: 'Tenant::"acme"', resource: 'Cloud::"aws"'}]`,
      },
      CEDAR_HERE,
    );
    expect(brief(linked)).toEqual({ 'session.tenant': ['acme'], 'place.cloud': ['aws'] });
  });

  test('facts are called alike in sales, definitions and calls', () => {
    const sale = of(
      'principal.seller == Vendor::"m" && context.segment == "us-gov"',
      'principal, action == Action::"distribute", resource in Vendor::"v"',
    );
    expect(brief(sale)).toEqual({
      'call.product.vendor': ['v'],
      'call.channel.seller': ['m'],
      'call.segment': ['us-gov'],
    });
    const definition = of(
      'resource.kind == "api" && context.use.turns <= 1',
      'principal, action == Action::"stateless", resource',
    );
    expect(brief(definition)).toEqual({ 'call.product.kind': ['api'], 'use.turns': [1] });
  });

  test('facts that are compared with each other share their constants', () => {
    const labels = of('resource.clearances.containsAll(principal.labels) && principal.labels.contains("us-gov")');
    expect(brief(labels)).toEqual({ 'place.clearances': ['us-gov'], 'session.labels': ['us-gov'] });
    const sellers = brief(of('context.call.vendor == context.call.channel.seller'));
    expect(sellers).toEqual({ 'call.vendor': ['the-same'], 'call.channel.seller': ['the-same'] });
  });

  test('what a clause computes with is told', () => {
    expect(of('context.call.at.toTime() < duration("8h")').computed).toEqual([{ clause: 'c', fact: 'call.at' }]);
    expect(of('context.call.at < datetime("2026-03-01")').computed).toEqual([]);
  });

  test('of several contracts together', () => {
    const joined = joinMentions([of('context.call.segment == "us-gov"'), of('context.call.segment == "commercial"')]);
    expect(brief(joined)).toEqual({ 'call.segment': ['us-gov', 'commercial'] });
  });
});
