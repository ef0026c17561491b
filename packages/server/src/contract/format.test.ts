import { describe, expect, test } from 'vitest';
import { cedarComments, formatCedar, formatContract } from './format.ts';

describe('clauses', () => {
  test('one layout', () => {
    const text = `// What this is.

// On the first.
@id("a") @cite("x") forbid (principal,action == Action::"infer",resource) // here
when{context.call.vendor==Vendor::"openai"} unless   { resource in Cloud::"azure" };
@id("b") permit(principal, action, resource); // "not a string
`;
    expect(formatCedar(text)).toEqual({
      ok: true,
      text: `// What this is.

// On the first.
@id("a")
@cite("x")
forbid (
  principal,
  action == Action::"infer",
  resource
) // here
when { context.call.vendor == Vendor::"openai" }
unless { resource in Cloud::"azure" };

@id("b")
permit (principal, action, resource); // "not a string
`,
    });
  });

  test('a comment in an expression stays', () => {
    const text = '@id("a") permit (principal, action, resource) when { true && // why\n false };';
    const { ok, ...rest } = formatCedar(text);
    expect(ok && 'text' in rest && rest.text).toContain('// why');
  });

  test('a comment after any token stays', () => {
    const text =
      '@id ( "a" ) permit ( principal , action in [ Action::"x" , Action::"y" ] , resource in Cloud::"c" ) when { [ 1 , 2 ] . contains ( 1 ) && { a : 1 } . a == 1 && ( if true then true else false ) } unless { principal has b } ;';
    const tokens = text.split(' ');
    for (const i of tokens.keys()) {
      const commented = [...tokens.slice(0, i + 1), '// why\n', ...tokens.slice(i + 1)].join(' ');
      const formatted = formatCedar(commented);
      expect(formatted.ok && cedarComments(formatted.text), tokens[i]).toEqual(['// why']);
    }
  });

  test('what cannot be read is refused', () => {
    expect(formatCedar('@id("a") permit (')).toEqual({ ok: false, why: 'it cannot be read' });
  });

  test('nothing is nothing', () => {
    expect(formatCedar('\n\n')).toEqual({ ok: true, text: '' });
    expect(formatCedar('// only this')).toEqual({ ok: true, text: '// only this\n' });
  });
});

test('contract.yaml: keys in the documented order, with their comments', () => {
  const text = `# The contract of nobody.

title:    Nobody's
# who
parties: [ b,a ]
id: x   # the name
clauses:
  a: { summary: all,   confidence: A, source: s }
version: "1"

sources:
  s: {title: S}
`;
  const formatted = formatContract({ 'contract.yaml': text, 'notes.yaml': 'a:   1' });
  expect(formatted['notes.yaml']).toEqual({ ok: true, text: 'a:   1' });
  expect(formatted['contract.yaml']).toEqual({
    ok: true,
    text: `# The contract of nobody.

id: x # the name
version: "1"
title: Nobody's
# who
parties: [b, a]

sources:
  s: {title: S}
clauses:
  a: {source: s, confidence: A, summary: all}
`,
  });
});
