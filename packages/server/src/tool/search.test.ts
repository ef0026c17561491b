import { describe, expect, it } from 'vitest';
import { type Searchable, SEARCH_BOUNDS, searchArguments, TOOL_SEARCH } from './search.ts';
import { searchTools } from './search-index.ts';

function tool(name: string, description: string, properties: object = {}): Searchable {
  return { name, description, parameters: { type: 'object', properties } as never, deferred: true };
}

const TOOLS = [
  tool('github__create_issue', 'Opens an issue in a repository.', { title: { type: 'string' } }),
  tool('github__list_pulls', 'Lists pull requests of a repository.'),
  tool('mail__send', 'Sends an e-mail.', { recipient: { type: 'string', description: 'Who is written to.' } }),
  tool('calendar__createEvent', 'Puts an appointment into the calendar.'),
  tool('crm__find_customer', 'Looks a customer up by name or number.'),
];
const names = (query: string, limit = 5): readonly string[] => searchTools(TOOLS, query, limit).map(({ name }) => name);

describe('tool search', () => {
  it.each([
    ['create issue', 'github__create_issue'],
    ['pull requests', 'github__list_pulls'],
    ['send mail', 'mail__send'],
    ['event', 'calendar__createEvent'],
    ['recipient', 'mail__send'],
    ['custmer', 'crm__find_customer'],
    ['appoint', 'calendar__createEvent'],
    ['crm__find_customer', 'crm__find_customer'],
  ])('finds by "%s" first %s', (query, name) => {
    expect(names(query)[0]).toBe(name);
  });

  it('finds nothing where nothing fits, and no tool that is offered anyway', () => {
    expect(names('xylophone')).toEqual([]);
    expect(
      searchTools(
        TOOLS.map(one => ({ ...one, deferred: false })),
        'mail',
        5,
      ),
    ).toEqual([]);
  });

  it('gives as many as are asked for', () => {
    expect(names('repository', 1)).toHaveLength(1);
    expect(names('repository', 2)).toHaveLength(2);
  });

  it('is offered with the bounds that it holds', () => {
    expect(TOOL_SEARCH.parameters['properties']).toMatchObject({
      query: { maxLength: SEARCH_BOUNDS.queryChars },
      limit: { minimum: 1, maximum: SEARCH_BOUNDS.limit },
    });
  });

  it('says what is wrong with its arguments, on both sides of each bound', () => {
    expect(searchArguments({ query: 'x' })).toEqual({ query: 'x', limit: 5 });
    expect(searchArguments({ query: 'x'.repeat(SEARCH_BOUNDS.queryChars), limit: 1 })).toMatchObject({ limit: 1 });
    expect(searchArguments({ query: 'x'.repeat(SEARCH_BOUNDS.queryChars + 1) })).toContain("'query'");
    expect(searchArguments({ query: ' ' })).toContain("'query'");
    expect(searchArguments({ query: 'x', limit: 20 })).toMatchObject({ limit: 20 });
    for (const limit of [0, 21, 1.5, '3']) expect(searchArguments({ query: 'x', limit })).toContain("'limit'");
  });
});
