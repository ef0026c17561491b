import { describe, expect, it } from 'vitest';
import { LIMITS } from './limits.ts';
import { listPage, parseListQuery } from './lists.ts';
import { parsePlacementQuery, parseWhatIf } from './perdure/placements.ts';
import { parseCreateConversation, parseCreateItems, parseUpdateConversation } from './responses/conversations.ts';

const fail = (parsed: ReturnType<typeof parseCreateItems | typeof parseListQuery | typeof parseWhatIf>): string =>
  parsed.ok ? 'accepted' : `${parsed.error.code} ${parsed.error.param ?? '-'}`;

describe('pages', () => {
  it('pins a page and an empty one', () => {
    expect(JSON.stringify(listPage([{ id: 'a' }, { id: 'b' }], true))).toBe(
      '{"object":"list","data":[{"id":"a"},{"id":"b"}],"first_id":"a","last_id":"b","has_more":true}',
    );
    expect(listPage([], false)).toEqual({ object: 'list', data: [], first_id: null, last_id: null, has_more: false });
  });
});

describe('list queries', () => {
  it('has defaults', () => {
    expect(parseListQuery({})).toEqual({ ok: true, value: { limit: 20, order: 'desc', include: [] } });
  });

  it('reads every name, and `include` in each of its spellings', () => {
    const parsed = parseListQuery({
      limit: ['5'],
      order: ['asc'],
      after: ['x'],
      include: ['a'],
      'include[]': ['b', 'c'],
      'include[0]': ['d'],
    });
    expect(parsed).toEqual({ ok: true, value: { limit: 5, order: 'asc', after: 'x', include: ['a', 'b', 'c', 'd'] } });
  });

  it('bounds the limit, from both sides', () => {
    for (const limit of ['1', '100']) expect(fail(parseListQuery({ limit: [limit] }))).toBe('accepted');
    for (const limit of ['0', '101', '-1', '1.5', 'x', '', '1e1', '99999999999']) {
      expect(fail(parseListQuery({ limit: [limit] })), limit).toBe('invalid_request limit');
    }
  });

  it('refuses what it does not understand', () => {
    expect(fail(parseListQuery({ order: ['up'] }))).toBe('invalid_request order');
    expect(fail(parseListQuery({ limit: ['1', '2'] }))).toBe('invalid_request limit');
    expect(fail(parseListQuery({ after: [''] }))).toBe('invalid_request after');
    expect(fail(parseListQuery({ after: ['a'], before: ['b'] }))).toBe('mutually_exclusive_parameters before');
    expect(fail(parseListQuery({ unknown: ['x'] }))).toBe('accepted');
  });

  it('filters placements', () => {
    const parsed = parsePlacementQuery({ session: ['sess_1'], outcome: ['refused'], limit: ['2'] });
    expect(parsed).toEqual({
      ok: true,
      value: { limit: 2, order: 'desc', include: [], session: 'sess_1', outcome: 'refused' },
    });
    expect(fail(parsePlacementQuery({ outcome: ['lost'] }))).toBe('invalid_request outcome');
    expect(fail(parsePlacementQuery({ session: ['a', 'b'] }))).toBe('invalid_request session');
  });
});

describe('conversations', () => {
  const many = (count: number): unknown => ({
    items: Array.from({ length: count }, () => ({ role: 'user', content: 'x' })),
  });

  it('starts with nothing, or with items', () => {
    const empty = { ok: true, value: { items: [], metadata: {} } };
    for (const body of [undefined, null, {}, { items: null, metadata: null }])
      expect(parseCreateConversation(body)).toEqual(empty);
    const started = parseCreateConversation({ items: [{ role: 'user', content: 'x' }], metadata: { a: 'b' } });
    expect(started.ok && started.value.items).toEqual([
      { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'x' }] },
    ]);
  });

  it('bounds items, from both sides', () => {
    expect(fail(parseCreateItems(many(LIMITS.conversationItems)))).toBe('accepted');
    expect(fail(parseCreateItems(many(LIMITS.conversationItems + 1)))).toBe('invalid_request items');
    expect(fail(parseCreateItems(many(0)))).toBe('invalid_request items');
    expect(fail(parseCreateItems({}))).toBe('invalid_request items');
    expect(fail(parseCreateItems({ items: [{ type: 'web_search_call' }] }))).toBe('unsupported_content items[0].type');
  });

  it('replaces metadata only if they are given', () => {
    expect(parseUpdateConversation({ metadata: null })).toEqual({ ok: true, value: { metadata: {} } });
    expect(parseUpdateConversation({}).ok).toBe(false);
  });
});

describe('what-if', () => {
  it('supposes nothing by default', () => {
    expect(parseWhatIf({ reading: null })).toEqual({ ok: true, value: {} });
  });

  it('reads a day or a moment, and knows the calendar', () => {
    const day = (as_of: string): string => fail(parseWhatIf({ as_of }));
    for (const good of ['2026-03-20', '2028-02-29', '2026-03-20T12:00Z', '2026-03-20T12:00:00.5Z'])
      expect(day(good), good).toBe('accepted');
    for (const bad of ['2026-02-29', '2026-13-01', '20 March', '2026-03-20T25:00Z', '2026-03-20T12:00']) {
      expect(day(bad), bad).toBe('invalid_request as_of');
    }
  });

  it('bounds sessions, from both sides', () => {
    const sessions = (count: number): string =>
      fail(parseWhatIf({ sessions: Array.from({ length: count }, () => 's') }));
    expect([sessions(0), sessions(1), sessions(100), sessions(101)]).toEqual([
      'invalid_request sessions',
      'accepted',
      'accepted',
      'invalid_request sessions',
    ]);
  });
});
