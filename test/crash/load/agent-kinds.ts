/** What turns of agents' sessions are about: the tools that their messages name, called by the model, by its programs, or by its sub-agents. */
import { PROGRAM_TOOL } from '../../../packages/server/src/tool/program.ts';
import type { Random } from '../random.ts';
import { MODEL } from './chain.ts';

interface Kind {
  /** That the model calls itself. */
  readonly tools?: readonly string[];
  /** That a program of it calls: the last one after the others. */
  readonly program?: readonly string[];
  /** That sub-agents call, each its own; whoever made them waits for them, and closes the first. */
  readonly subagents?: readonly (readonly string[])[];
  readonly steers?: true;
  readonly cancels?: true;
}

const TALK = {
  talk: {},
  client: { tools: ['look_up'] },
  server: { tools: ['file_note', 'post_once'] },
  once: { tools: ['post_once'] },
  ask: { tools: ['transfer_sum'] },
  all: { tools: ['look_up', 'file_note', 'transfer_sum'] },
  steer: { steers: true },
  cancel: { tools: ['file_note', 'post_once'], cancels: true },
} as const;

const PROGRAMS = {
  program: { program: ['file_note', 'post_once', 'file_note'] },
  'program, asks': { program: ['transfer_sum', 'file_note'] },
  'program, client': { tools: ['file_note'], program: ['file_note', 'look_up'] },
  'program, cancel': { program: ['file_note', 'transfer_sum', 'post_once'], cancels: true },
} as const;

const REVIEWED = {
  reviewed: { tools: ['transfer_sum', 'file_note'] },
  'reviewed, two': { tools: ['transfer_sum', 'transfer_sum'] },
  'reviewed, program': { program: ['transfer_sum', 'file_note', 'transfer_sum'] },
  'reviewed, cancel': { tools: ['transfer_sum'], cancels: true },
} as const;

const FAMILY = {
  family: { subagents: [['file_note'], ['post_once']] },
  'family, asks': { subagents: [['transfer_sum'], ['file_note']] },
  'family, client': { subagents: [['look_up']] },
  'family, steer': { subagents: [['file_note', 'post_once']], steers: true },
  'family, cancel': { subagents: [['transfer_sum'], ['post_once']], cancels: true },
} as const;

/** What a session's agent can do beside what all can, and what its turns are about then. */
const SORTS = {
  plain: TALK,
  programs: PROGRAMS,
  reviewed: REVIEWED,
  family: FAMILY,
} as const satisfies { readonly [sort: string]: { readonly [kind: string]: Kind } };
export type Sort = keyof typeof SORTS;

export function chooseKind(random: Random, sort: Sort): Kind & { readonly name: string } {
  const kinds: { readonly [kind: string]: Kind } = SORTS[sort];
  const [first = 'talk', ...more] = Object.keys(kinds);
  const name = random.pick([first, ...more]);
  return { name, ...kinds[name] };
}

const LOOK_UP = {
  type: 'function',
  name: 'look_up',
  description: 'Looks something up.',
  parameters: {
    type: 'object',
    properties: { ticket: { type: 'string' }, text: { type: 'string' } },
    required: ['ticket', 'text'],
  },
};

/** The session that is to be begun. */
export function sessionOf(sort: Sort, reviewed: boolean): object {
  const programs = sort === 'plain' ? [] : [{ type: PROGRAM_TOOL }];
  return {
    agent: {
      model: MODEL,
      tools: [LOOK_UP, ...programs],
      ...(sort === 'family' && { multi_agent: { enabled: true } }),
    },
    environment: { type: 'none' },
    ...(reviewed && { review: 'auto_review' }),
  };
}

/** A message for a turn: a word that stands in it and nowhere else, and the arguments of each call by a word of its own. */
export interface Message {
  readonly marker: string;
  readonly text: string;
  readonly calls: readonly (readonly [ticket: string, args: string])[];
}

export function messageFor(random: Random, { tools = [], program = [], subagents = [] }: Kind): Message {
  const marker = random.word(12);
  const calls: (readonly [string, string])[] = [];
  const call = (): string => {
    const ticket = random.word(14);
    const words = Array.from({ length: random.between(2, 12) }, () => random.word(5)).join(' ');
    const args = JSON.stringify({ ticket, text: words });
    calls.push([ticket, args]);
    return args;
  };
  const named = (names: readonly string[]): string[] => names.map(name => `${name} ${call()}`);
  const asked = named(tools);
  if (program.length > 0) asked.push(`${PROGRAM_TOOL}:\n${programOf(program.map(name => `${name}(${call()})`))}`);
  const first = asked.join(' and ');
  const tasks = subagents.map(names => `Task ${random.word(12)}. Please do ${named(names).join(' and ')}`);
  const steps = [first, ...(tasks.length === 0 ? [] : familySteps(tasks))].filter(step => step !== '');
  const filler = steps.length === 0 ? ` [[words: ${random.between(20, 90)}]]` : '';
  const text = `Ticket ${marker}. ${steps.length === 0 ? '' : `Please do ${steps.join(' >>> ')}`}${filler}`;
  return { marker, text, calls };
}

/** All but the last side by side, whatever comes of them; then the last. */
function programOf(calls: readonly string[]): string {
  const caught = calls.map(call => `tools.${call}.catch(error => error.code)`);
  const last = caught.pop() ?? '';
  return [
    '```js',
    `const all = await Promise.all([${caught.join(', ')}]);`,
    `return [...all, await ${last}];`,
    '```',
  ].join('\n');
}

function familySteps(tasks: readonly string[]): readonly string[] {
  const ids = tasks.map((_, i) => `{{${i + 1}.agent_id}}`);
  return [
    tasks.map(task => `create_subagent ${JSON.stringify({ task })}`).join(' and '),
    `wait_for_subagents ${JSON.stringify({ agent_ids: ids })}`,
    `close_subagent ${JSON.stringify({ agent_id: ids[0] })}`,
  ];
}
