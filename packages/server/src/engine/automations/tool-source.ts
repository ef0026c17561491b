/**
 * The `automations` tool of an agent: it wakes itself up later. What it makes tells its own session and no other, and it sees and changes
 * only what it made there.
 *
 * Each function may be run again under its call: a create finds what the same call has made.
 */
import {
  type AutomationResource,
  isPerdureError,
  parseAutomationCreate,
  parseAutomationUpdate,
} from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import { toolsOf } from '../../tool/configured.ts';
import type { Caller } from '../caller.ts';
import type { ToolDefinition, ToolOutcome, ToolRun, ToolScope, ToolSource } from '../tools/ports.ts';
import type { AutomationDesk } from './desk.ts';
import type { AutomationDeps } from './ports.ts';
import { type Automation, automationResource } from './records.ts';

/** How many a session's agent may have. */
export const AUTOMATIONS_OF_AGENT = 16;
const PAGE = 100;

const text = (description: string): JsonObject => ({ type: 'string', description });
const SCHEDULE: JsonObject = {
  expression: text(
    'Cron expression of five fields (minute, hour, day of month, month, day of week), to run again and again.',
  ),
  timezone: text('IANA time zone in which the expression is read. Default: UTC.'),
  run_at: {
    type: 'integer',
    description: 'Unix time in seconds, in the future, to run once. Instead of an expression.',
  },
};
const INSTRUCTIONS = text('What you will be told at that time. You will be in this same session.');
const ID = text('The id of the automation.');

const define = (
  name: string,
  description: string,
  properties: JsonObject,
  required: readonly string[],
): ToolDefinition => ({
  name,
  description,
  parameters: { type: 'object', properties, required, additionalProperties: false },
  idempotent: true,
  origin: { kind: 'builtin' },
  deferred: false,
});

const TOOLS: readonly ToolDefinition[] = [
  define(
    'create_automation',
    'Have yourself woken up in this session, once or on a schedule, with instructions.',
    { name: text('A short name.'), instructions: INSTRUCTIONS, ...SCHEDULE },
    ['name', 'instructions'],
  ),
  define('list_automations', 'List the automations that you made in this session.', {}, []),
  define(
    'update_automation',
    'Change an automation that you made in this session: only what is given.',
    {
      automation_id: ID,
      name: text('A short name.'),
      instructions: INSTRUCTIONS,
      ...SCHEDULE,
      paused: { type: 'boolean', description: 'Whether its schedule rests.' },
    },
    ['automation_id'],
  ),
  define('delete_automation', 'Delete an automation that you made in this session.', { automation_id: ID }, [
    'automation_id',
  ]),
];

export function makeAutomationTools(desk: AutomationDesk, deps: Pick<AutomationDeps, 'callerOf'>): ToolSource {
  return {
    kind: 'builtin',
    // What is begun for a session is no sub-agent's.
    list: async ({ agent }) => (wantsAutomations(agent) ? TOOLS : []),
    async run(scope, tool, run) {
      const caller = deps.callerOf(scope.tenant, scope.principal);
      if (caller === null) return refused('principal_revoked', 'The key of this session has been revoked.');
      try {
        return await act(desk, { scope, caller }, tool.name, run);
      } catch (error) {
        // What the model did wrong it is told; what went wrong here is an error of the tool.
        if (isPerdureError(error) && error.status < 500) return refused(error.code, error.message);
        throw error;
      }
    },
    release: async () => undefined,
    close: async () => undefined,
  };
}

interface Who {
  readonly scope: ToolScope;
  readonly caller: Caller;
}

async function act(desk: AutomationDesk, who: Who, name: string, run: ToolRun): Promise<ToolOutcome> {
  const args = run.arguments;
  switch (name) {
    case 'create_automation':
      return create(desk, who, run);
    case 'list_automations':
      return told({ automations: (await own(desk, who)).map(brief) });
    case 'update_automation':
      return update(desk, who, args);
    case 'delete_automation': {
      const found = await find(desk, who, args);
      // What is not there is deleted: this call may have done it.
      if (found !== null) await desk.delete(who.caller, found.id);
      return told({ deleted: true });
    }
    default:
      return refused('tool_not_found', 'There is no such function.');
  }
}

async function create(desk: AutomationDesk, who: Who, run: ToolRun): Promise<ToolOutcome> {
  const { scope, caller } = who;
  const mine = await own(desk, who);
  const again = mine.find(({ createdBy }) => createdBy.type === 'agent' && createdBy.tool_call_id === run.callId);
  if (again !== undefined) return told(brief(again));
  if (mine.length >= AUTOMATIONS_OF_AGENT)
    return refused(
      'automation_limit_reached',
      `A session has ${AUTOMATIONS_OF_AGENT} automations at most: delete one.`,
    );
  const { name = null, instructions = null, expression, timezone = 'UTC', run_at } = run.arguments;
  if ((expression === undefined) === (run_at === undefined))
    return refused('invalid_request', "Give either 'expression' or 'run_at'.");
  const schedule: JsonObject =
    run_at === undefined ? { type: 'periodic', expression: expression ?? null, timezone } : { type: 'once', run_at };
  const target = { type: 'existing_session', session_id: scope.session, instructions };
  const parsed = parseAutomationCreate({ ...schedule, name, target });
  if (!parsed.ok) return refused(parsed.error.code, parsed.error.message);
  const by = { type: 'agent', session_id: scope.session, tool_call_id: run.callId } as const;
  return told(brief(await desk.create(caller, parsed.value, by)));
}

async function update(desk: AutomationDesk, who: Who, args: JsonObject): Promise<ToolOutcome> {
  const { caller, scope } = who;
  const { automation_id: _id, instructions, paused, ...rest } = args;
  const found = await find(desk, who, args);
  if (found === null) return refused('automation_not_found', 'The automation does not exist.');
  const target = { type: 'existing_session', session_id: scope.session, instructions: instructions ?? null };
  const parsed = parseAutomationUpdate({ ...rest, ...(instructions !== undefined && { target }) });
  if (!parsed.ok) return refused(parsed.error.code, parsed.error.message);
  let after = await desk.update(caller, found.id, parsed.value);
  if (paused === true) after = await desk.pause(caller, found.id);
  if (paused === false) after = await desk.resume(caller, found.id);
  return told(brief(after));
}

/** Those that the agent of this session made. */
async function own(desk: AutomationDesk, { caller, scope }: Who): Promise<readonly Automation[]> {
  const found: Automation[] = [];
  for (let after: string | null = null; ; ) {
    const page = await desk.list(caller, { order: 'asc', limit: PAGE, after }, scope.session);
    found.push(...page.entries.filter(one => isOwn(one, scope)));
    after = page.entries.at(-1)?.id ?? null;
    if (!page.hasMore) return found;
  }
}

async function find(desk: AutomationDesk, { caller, scope }: Who, args: JsonObject): Promise<Automation | null> {
  const id = args['automation_id'];
  try {
    const found = await desk.read(caller, typeof id === 'string' ? id : '');
    return isOwn(found, scope) ? found : null;
  } catch (error) {
    if (isPerdureError(error) && error.code === 'automation_not_found') return null;
    throw error;
  }
}

function isOwn({ createdBy }: Automation, { session }: ToolScope): boolean {
  return createdBy.type === 'agent' && createdBy.session_id === session;
}

function wantsAutomations(agent: JsonObject): boolean {
  return toolsOf(agent).some(tool => tool['type'] === 'automations');
}

/** What a model needs to know of one. */
function brief(automation: Automation): JsonObject {
  const shown: AutomationResource = automationResource(automation);
  const { id, name, status, target } = shown;
  const when =
    shown.type === 'once' ? { run_at: shown.run_at } : { expression: shown.expression, timezone: shown.timezone };
  const next = automation.status === 'active' ? automation.nextAt : null;
  return {
    id,
    name,
    status,
    ...when,
    instructions: target.type === 'existing_session' ? target.instructions : null,
    next_run_at: next === null ? null : Math.floor(next / 1000),
  };
}

function told(output: JsonObject): ToolOutcome {
  return { ok: true, output: JSON.stringify(output) };
}

function refused(code: string, message: string): ToolOutcome {
  return { ok: false, code, message };
}
