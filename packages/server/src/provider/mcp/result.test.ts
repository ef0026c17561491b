import type { CallToolResult } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../log/events.ts';
import { answered, asksOf, QUESTION_BYTES } from './elicitation.ts';
import { outcomeOf } from './result.ts';
import { scrubOf } from './scrub.ts';
import { runOf } from './source.test-support.ts';

const shown = (result: Partial<CallToolResult>, resultBytes = 10_000, secrets: readonly string[] = []) => {
  const outcome = outcomeOf({ content: [], ...result }, scrubOf(secrets), { resultBytes });
  return outcome.ok === true ? outcome.output : outcome;
};
const PNG = Buffer.from('not really').toString('base64');

describe('a result', () => {
  it('shows resources, links and audio in words, and images as images', () => {
    expect(
      shown({
        content: [
          { type: 'resource_link', uri: 'file:///a.txt', name: 'a.txt', mimeType: 'text/plain', description: 'first' },
          { type: 'resource', resource: { uri: 'file:///b.txt', text: 'what b says' } },
          { type: 'resource', resource: { uri: 'file:///c.bin', blob: 'AAAA', mimeType: 'application/zip' } },
          { type: 'resource', resource: { uri: 'file:///d.png', blob: PNG, mimeType: 'image/png' } },
          { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
          { type: 'image', data: PNG, mimeType: 'image/tiff' },
        ],
      }),
    ).toEqual([
      { type: 'input_text', text: '[A resource: file:///a.txt (a.txt; text/plain; first)]' },
      { type: 'input_text', text: '[file:///b.txt]\nwhat b says' },
      { type: 'input_text', text: '[file:///c.bin: 3 bytes of the type application/zip: not shown.]' },
      { type: 'input_image', image_url: `data:image/png;base64,${PNG}` },
      { type: 'input_text', text: '[Audio of the type audio/wav, 3 bytes: not shown.]' },
      { type: 'input_text', text: '[An image of the type image/tiff: not shown.]' },
    ]);
  });

  it('takes no image whose data is none: it would become part of an address', () => {
    expect(shown({ content: [{ type: 'image', data: 'x" onload="', mimeType: 'image/png' }] })).toBe(
      '[An image of the type image/png: not shown.]',
    );
  });

  it('says what is structured once', () => {
    expect(shown({ structuredContent: { a: 1 } })).toBe('{"a":1}');
    expect(shown({ structuredContent: { a: 1 }, content: [{ type: 'text', text: '{ "a": 1 }' }] })).toBe('{ "a": 1 }');
    expect(shown({ structuredContent: { result: 'x' }, content: [{ type: 'text', text: 'x' }] })).toBe('x');
    expect(shown({ structuredContent: { a: 1 }, content: [{ type: 'text', text: 'one' }] })).toBe('one\n{"a":1}');
  });

  it('leaves an image out where there is no room, and cuts no character in two', () => {
    const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
    const size = `data:image/png;base64,${PNG}`.length;
    expect(shown({ content: [image] }, size)).toHaveLength(1);
    expect(shown({ content: [image] }, size - 1)).toBe(
      `[An image of ${size} bytes: left out, the result has ${size - 1} bytes at most.]`,
    );
    expect(shown({ content: [{ type: 'text', text: 'aäb' }] }, 2)).toBe('a\n[3 bytes left out.]');
  });

  it('L9: holds nothing of what was sent, as it was or encoded', () => {
    const secret = 'tok/en+with="signs"';
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), JSON.stringify(secret)];
    for (const form of forms) {
      const said = JSON.stringify(
        shown({ content: [{ type: 'text', text: `it was ${form}.` }] }, 1_000, [`Bearer ${secret}`]),
      );
      expect(said).toContain('[redacted]');
      expect(said).not.toContain('with');
    }
    expect(shown({ isError: true, content: [{ type: 'text', text: secret }] }, 1_000, [secret])).toEqual({
      ok: false,
      code: 'mcp_tool_error',
      message: '[redacted]',
    });
  });
});

describe('a question of a server', () => {
  const of = { server: 'web', tool: 'deploy' };
  const asks = (inputRequests: JsonObject, requestState = 'state') =>
    asksOf({ resultType: 'input_required', inputRequests, requestState }, of, scrubOf([]));
  const question = (message: string): JsonObject => ({
    method: 'elicitation/create',
    params: { message, requestedSchema: { type: 'object' } },
  });

  it('of several is answered key by key', () => {
    const asked = asks({ a: question('A?'), b: question('B?') });
    const resume = asked.ok === 'asks' ? asked.resume : null;
    expect(
      answered(runOf({}, { answer: { granted: true, value: { a: { x: 1 }, b: { y: 2 } }, resume } }).answer),
    ).toEqual({
      inputResponses: { a: { action: 'accept', content: { x: 1 } }, b: { action: 'accept', content: { y: 2 } } },
      requestState: 'state',
    });
    expect(answered({ granted: false, value: null, resume })).toEqual({
      inputResponses: { a: { action: 'decline' }, b: { action: 'decline' } },
      requestState: 'state',
    });
    expect(answered({ granted: true, value: null, resume: 'not ours' })).toBeNull();
    expect(answered(null)).toBeNull();
  });

  it('of an address is told with it', () => {
    const params = { mode: 'url', message: 'Sign in', url: 'https://login.example.com', elicitationId: 'e' };
    expect(asks({ a: { method: 'elicitation/create', params } })).toMatchObject({
      about: { questions: [{ key: 'a', mode: 'url', message: 'Sign in', url: 'https://login.example.com' }] },
    });
  });

  it('that no person can answer is refused', () => {
    expect(asks({ a: { method: 'sampling/createMessage', params: {} } })).toMatchObject({
      ok: false,
      code: 'mcp_input_unsupported',
    });
    expect(asks({})).toMatchObject({ ok: false, code: 'mcp_input_unsupported' });
  });

  it('L9: that would carry a credential through the log is refused, and its words are cleaned', () => {
    const scrub = scrubOf(['secret-token']);
    const of_ = (inputRequests: JsonObject, requestState: string) =>
      asksOf({ resultType: 'input_required', inputRequests, requestState }, of, scrub);
    expect(of_({ a: question('You sent secret-token?') }, 'state')).toMatchObject({
      about: { questions: [{ message: 'You sent [redacted]?' }] },
    });
    expect(of_({ a: question('?') }, 'state secret-token')).toMatchObject({ ok: false, code: 'mcp_input_unsupported' });
  });

  it('is as long as it may be, and not longer', () => {
    const fits = (chars: number): unknown => asks({ a: question('') }, 'x'.repeat(chars)).ok;
    let most = QUESTION_BYTES;
    while (fits(most) !== 'asks') most--;
    expect(QUESTION_BYTES - most).toBeLessThan(300);
    expect(fits(most + 1)).toBe(false);
  });
});
