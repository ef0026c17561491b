import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { validateResponse } from '../test-support/open-responses.ts';
import { parseCountInput } from './compaction.ts';
import type { InputItem } from './items.ts';
import { type ExpandPrompt, promptNotFound } from './prompt.ts';
import { type HowToRead, parseCreateResponse } from './request-schema.ts';
import { responseSchema } from './resource-schema.ts';
import { echoOfRequest, responseResource } from './resource.ts';
import type { CreateResponse } from './settings.ts';

const said = (text: string): InputItem => ({
  type: 'message',
  status: 'completed',
  role: 'user',
  content: [{ type: 'input_text', text }],
});
/** Greets, and answers what it was asked. */
const greet: ExpandPrompt = ({ version = '7' }) => ({
  version,
  input: [said('Greet.')],
  instructions: 'Be kind.',
  model: 'own',
});

function read(body: object, how: HowToRead = { prompts: greet }): CreateResponse {
  const parsed = parseCreateResponse(body, how);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}
function fail(body: object, how: HowToRead = { prompts: greet }): string {
  const parsed = parseCreateResponse(body, how);
  return parsed.ok ? 'ok' : `${parsed.error.status} ${parsed.error.code} ${parsed.error.param}`;
}

const png = 'data:image/png;base64,AAAA';
const prompt = { id: 'p' };

describe('a prompt', () => {
  it('comes before the input, and gives what the request does not', () => {
    expect(read({ prompt, input: 'Hi' })).toMatchObject({
      model: 'own',
      instructions: 'Be kind.',
      input: [said('Greet.'), said('Hi')],
    });
    expect(read({ prompt })).toMatchObject({ input: [said('Greet.')] });
  });

  it('does not win over the request', () => {
    expect(read({ prompt, model: 'm', instructions: 'Be brief.' })).toMatchObject({
      model: 'm',
      instructions: 'Be brief.',
    });
    expect(read({ prompt, instructions: '' }).instructions).toBe('');
  });

  it('stands before what a trigger compacts, and does not move its place', () => {
    const trigger = { type: 'compaction_trigger' };
    expect(read({ prompt, input: [trigger] })).toMatchObject({ input: [said('Greet.')], compaction_trigger: true });
    const late = fail({ prompt, input: [{ role: 'user', content: 'x' }, trigger, { role: 'user', content: 'x' }] });
    expect(late).toBe('400 invalid_request input[1]');
  });

  it('is told what the request has beside it', () => {
    const seen: unknown[] = [];
    const prompts: ExpandPrompt = (reference, own) => {
      seen.push(reference, own);
      return { version: '1', input: [] };
    };
    const variables = { a: 'x', b: { type: 'input_text', text: 'y' }, c: { type: 'input_image', image_url: png } };
    read({ model: 'm', input: 'Hi', prompt: { id: 'p', version: '2', variables } }, { prompts });
    read({ model: 'm', input: 'Hi', prompt: { id: 'p', version: null, variables: null } }, { prompts });
    expect(seen).toEqual([
      { id: 'p', version: '2', variables: { ...variables, c: { ...variables.c, detail: 'auto' } } },
      [said('Hi')],
      { id: 'p', variables: {} },
      [said('Hi')],
    ]);
  });

  it('is repeated with the version that was used, without what lay in the request', () => {
    const variables = {
      text: 'x',
      long: { type: 'input_text', text: 'y' },
      inline: { type: 'input_image', image_url: png },
      far: { type: 'input_image', image_url: 'https://a.example/b.png', detail: 'low' },
      file: { type: 'input_file', filename: 'a.pdf', file_data: 'AAAA' },
      uploaded: { type: 'input_file', file_id: 'file_1' },
    };
    const request = read({ model: 'm', prompt: { id: 'p', variables } });
    expect(request.prompt).toEqual({
      id: 'p',
      version: '7',
      variables: {
        text: 'x',
        long: { type: 'input_text', text: 'y' },
        inline: { type: 'input_image', image_url: null, detail: 'auto' },
        far: { type: 'input_image', image_url: 'https://a.example/b.png', detail: 'low' },
        file: { type: 'input_file', filename: 'a.pdf' },
        uploaded: { type: 'input_file', file_id: 'file_1' },
      },
    });
    const response = responseResource({ ...echoOfRequest(request), id: 'r', created_at: 1, status: 'queued' });
    expect(response.prompt).toEqual(request.prompt);
    expect(responseSchema.parse(response)).toEqual(response);
    expect(validateResponse(response)).toEqual([]);
    expect(read({ prompt }).prompt).toEqual({ id: 'p', version: '7', variables: null });
    expect(read({ model: 'm', input: 'x', prompt: null })).not.toHaveProperty('prompt');
  });

  it('may be all of a warm-up, and a warm-up may have none', () => {
    expect(read({ prompt }, { prompts: greet, mayBeEmpty: true }).input).toEqual([said('Greet.')]);
    expect(read({ model: 'm' }, { mayBeEmpty: true }).input).toEqual([]);
    expect(fail({ model: 'm' }, {})).toBe('400 invalid_request input');
  });
});

describe('what is refused', () => {
  const silent: ExpandPrompt = () => ({ version: '1', input: [] });
  const cases: readonly { readonly body: object; readonly expected: string; readonly prompts?: ExpandPrompt }[] = [
    { body: { input: 'x' }, expected: '400 invalid_request model' },
    { body: { input: 'x', prompt, model: null }, expected: '400 invalid_request model' },
    { body: { input: 'x', prompt }, expected: '400 invalid_request model', prompts: silent },
    { body: { model: 'm', prompt }, expected: '400 invalid_request input', prompts: silent },
    { body: { model: 'm', input: 'x', prompt: 'p' }, expected: '400 invalid_request prompt' },
    { body: { model: 'm', input: 'x', prompt: {} }, expected: '400 invalid_request prompt.id' },
    { body: { model: 'm', input: 'x', prompt: { id: '' } }, expected: '400 invalid_request prompt.id' },
    {
      body: { model: 'm', input: 'x', prompt: { id: 'p', version: 1 } },
      expected: '400 invalid_request prompt.version',
    },
    {
      body: { model: 'm', input: 'x', prompt: { id: 'p', variables: [] } },
      expected: '400 invalid_request prompt.variables',
    },
    {
      body: { model: 'm', input: 'x', prompt: { id: 'p', variables: { a: 1 } } },
      expected: '400 invalid_request prompt.variables.a',
    },
    {
      body: { model: 'm', input: 'x', prompt: { id: 'p', variables: { a: { type: 'input_audio' } } } },
      expected: '400 unsupported_content prompt.variables.a.type',
    },
    {
      body: {
        model: 'm',
        input: 'x',
        prompt: { id: 'p', variables: { a: { type: 'input_image', image_url: 'data:x' } } },
      },
      expected: '400 invalid_request prompt.variables.a.image_url',
    },
    { body: { model: 'm', input: 'x', prompt }, expected: '404 prompt_not_found prompt.id', prompts: promptNotFound },
    {
      body: { model: 'm', input: 'x', prompt: { id: 'p', version: '9' } },
      expected: '404 prompt_not_found prompt.version',
      prompts: promptNotFound,
    },
  ];
  it.each(cases)('$body: $expected', ({ body, expected, prompts = greet }) => {
    expect(fail(body, { prompts })).toBe(expected);
  });

  it('in the words of OpenAI, which never repeat content', () => {
    const words = (id: string, version?: string): string => promptNotFound({ id, ...(version && { version }) }).message;
    expect(words('pmpt_1')).toBe("Prompt with id 'pmpt_1' not found.");
    expect(words('pmpt_1', '2')).toBe("Prompt with id 'pmpt_1' and version '2' not found.");
    expect(words('two words')).toBe('Prompt with id not found.');
  });

  it('more items together than a request may have', () => {
    const input = (count: number): object[] => Array.from({ length: count }, () => ({ role: 'user', content: '' }));
    expect(fail({ prompt, input: input(LIMITS.inputItems - 1) })).toBe('ok');
    expect(fail({ prompt, input: input(LIMITS.inputItems) })).toBe('400 invalid_request input');
  });

  it('where tokens are counted: OpenAI takes none there', () => {
    const parsed = parseCountInput({ input: 'x', prompt }, 'm');
    expect(parsed.ok ? '' : `${parsed.error.code} ${parsed.error.param}`).toBe('unsupported_parameter prompt');
  });
});
