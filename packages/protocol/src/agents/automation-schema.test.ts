import { expect, test } from 'vitest';
import { AUTOMATION_LIMITS } from './automation.ts';
import { parseAutomationCreate, parseAutomationListQuery, parseAutomationUpdate } from './automation-schema.ts';

const TELL = { type: 'existing_session', session_id: 'sess_1', instructions: 'x' };
const START = {
  type: 'new_session',
  agent: { model: 'm' },
  environment: { type: 'none' },
  input: [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }],
};
const body = (over: object = {}): object => ({
  type: 'periodic',
  name: 'n',
  expression: '0 9 * * *',
  timezone: 'UTC',
  target: TELL,
  ...over,
});
const faultOf = (given: object): string => {
  const parsed = parseAutomationCreate(given);
  return parsed.ok ? 'none' : `${parsed.error.code} ${parsed.error.param}`;
};
const shownOf = (target: object): object => {
  const parsed = parseAutomationCreate(body({ target }));
  if (!parsed.ok) throw parsed.error;
  return parsed.value.target.shown;
};

test('cron expressions of five fields, in the standard form alone', () => {
  const good = ['* * * * *', '*/5 0-4,8 1 JAN-MAR MON,wed', '0 0 * * 7', '  0 9 * * 1  ', '10-50/20 * * * *'];
  for (const expression of good) expect([expression, faultOf(body({ expression }))]).toEqual([expression, 'none']);
  const bad = [
    '',
    '* * * *',
    '* * * * * *',
    '@daily',
    '0 0 L * *',
    '0 0 15W * *',
    '0 0 ? * *',
    '0 0 * * 1#2',
    '0 0 * * *\n*',
  ];
  for (const expression of bad)
    expect([expression, faultOf(body({ expression }))]).toEqual([expression, 'invalid_request expression']);
  const parsed = parseAutomationCreate(body({ expression: ' 0 9 * * 1 ' }));
  expect(parsed).toMatchObject({ value: { schedule: { expression: '0 9 * * 1' } } });
});

test('inline images are images', () => {
  const shown = (image_url: string): object =>
    body({ target: { ...START, input: [{ role: 'user', content: [{ type: 'input_image', image_url }] }] } });
  for (const url of ['https://example.test/a.png', 'data:image/png;base64,YQ=='])
    expect(faultOf(shown(url))).toBe('none');
  for (const url of ['', 'data:image/png;base64,!!!', 'data:text/html;base64,YQ==', 'data:,'])
    expect(faultOf(shown(url))).toBe('invalid_request target.input[0].content[0].image_url');
});

test('bounds, from both sides', () => {
  const { nameChars, instructionsChars, timezoneChars, inputMessages, vaults, targetBytes } = AUTOMATION_LIMITS;
  const sides = (make: (size: number) => object, most: number): readonly string[] =>
    [most, most + 1].map(size => faultOf(make(size)));
  expect(sides(size => body({ name: 'x'.repeat(size) }), nameChars)).toEqual(['none', 'invalid_request name']);
  expect(faultOf(body({ name: '' }))).toBe('invalid_request name');
  expect(sides(size => body({ timezone: 'x'.repeat(size) }), timezoneChars)).toEqual([
    'none',
    'invalid_request timezone',
  ]);
  const tell = (size: number) => body({ target: { ...TELL, instructions: 'x'.repeat(size) } });
  expect(sides(tell, instructionsChars)).toEqual(['none', 'invalid_request target.instructions']);
  const messages = (size: number) =>
    body({ target: { ...START, input: Array.from({ length: size }, () => START.input[0]) } });
  expect(sides(messages, inputMessages)).toEqual(['none', 'invalid_request target.input']);
  const ids = (size: number) => body({ target: { ...START, vault_ids: Array.from({ length: size }, () => 'v') } });
  expect(sides(ids, vaults)).toEqual(['none', 'invalid_request target.vault_ids']);
  const rest = JSON.stringify({ ...START, agent: { model: 'm', instructions: '' } }).length;
  const large = (size: number) =>
    body({ target: { ...START, agent: { model: 'm', instructions: 'x'.repeat(size - rest) } } });
  expect(sides(large, targetBytes)).toEqual(['none', 'invalid_request target']);
});

test('a target has one agent, and something to say', () => {
  const { agent: _agent, ...none } = START;
  expect(faultOf(body({ target: none }))).toBe('invalid_request target');
  expect(faultOf(body({ target: { ...START, agent_id: 'a' } }))).toBe('invalid_request target');
  expect(faultOf(body({ target: { ...none, agent_id: 'a' } }))).toBe('none');
  expect(faultOf(body({ target: { ...START, agent: {} } }))).toBe('invalid_request target.agent.model');
  expect(faultOf(body({ target: { ...START, input: [] } }))).toBe('invalid_request target.input');
  const hosted = { ...START, input: [], environment: { type: 'openai_hosted' } };
  expect(faultOf(body({ target: hosted }))).toBe('none');
  expect(faultOf(body({ target: { type: 'other' } }))).toBe('unsupported_parameter target.type');
});

test('an environment is shown without what is confidential', () => {
  const environment = {
    type: 'openai_hosted',
    env: { A: 'hush' },
    setup_commands: [{ command: 'hush' }],
    files: [
      { type: 'inline', path: '/workspace/a', data: 'aHVzaA==' },
      { type: 'file_id', path: '/workspace/b', file_id: 'file_1' },
    ],
    skills: [
      { type: 'skill_reference', skill_id: 's' },
      {
        type: 'inline',
        name: 'k',
        description: 'd',
        source: { type: 'base64', media_type: 'application/zip', data: 'aHVzaA==' },
      },
    ],
    packages: { npm: ['zod'] },
  };
  const shown = shownOf({ ...START, environment });
  expect(JSON.stringify(shown)).not.toMatch(/hush|aHVzaA/);
  expect(shown).toMatchObject({
    environment: {
      type: 'openai_hosted',
      environment_id: null,
      environment_template_id: null,
      capability_directories: null,
      container_size: null,
      desktop: null,
      files: [
        { type: 'inline', path: '/workspace/a', size_bytes: 4 },
        { type: 'file_id', path: '/workspace/b', file_id: 'file_1' },
      ],
      network: null,
      packages: { npm: ['zod'], python: [], system: [] },
      plugins: null,
      skills: [
        { type: 'skill_reference', skill_id: 's', version: null },
        { type: 'inline', name: 'k', description: 'd' },
      ],
    },
  });
  const own = { ...START, environment: { type: 'self_hosted', workspace_directory: '/w' } };
  expect(shownOf(own)).toMatchObject({
    environment: { type: 'self_hosted', environment_id: null, workspace_directory: '/w', capability_directories: [] },
  });
});

test('what was given is kept beside, whole', () => {
  const parsed = parseAutomationUpdate({ target: { ...START, extra: [1] }, name: null, expression: ' * * * * * ' });
  expect(parsed).toEqual({
    ok: true,
    value: { expression: '* * * * *', target: { shown: shownOf(START), given: { ...START, extra: [1] } } },
  });
});

test('lists of one session', () => {
  const of = (query: object) => {
    const parsed = parseAutomationListQuery(query as never);
    return parsed.ok ? [parsed.value.limit, parsed.value.session_id] : parsed.error.param;
  };
  expect(of({})).toEqual([20, null]);
  expect(of({ session_id: ['sess_1'], limit: ['100'] })).toEqual([100, 'sess_1']);
  expect(of({ limit: ['101'] })).toBe('limit');
  expect(of({ session_id: [''] })).toBe('session_id');
  expect(of({ session_id: ['a', 'b'] })).toBe('session_id');
});
