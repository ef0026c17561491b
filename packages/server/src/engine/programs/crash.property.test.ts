/**
 * J1, L6: whatever a program does, and whenever the processes that run it die, each call of a tool that must not run twice runs at most once, and
 * the program comes to what it comes to if nobody dies.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { textOf } from '../../log/events.ts';
import { PROGRAM_TOOL } from '../../tool/program.ts';
import { programsHere } from '../../workspace/programs/here.test-support.ts';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, session, shown, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, World } from '../world.test-support.ts';

const AGENT = { agent: { model: 'gpt', tools: [{ type: PROGRAM_TOOL }] } };

// ---- Programs: statements that call tools one after the other, side by side, in loops, and that catch what fails ----

const name = fc.constantFrom('safe', 'once', 'fails');
const call = fc.tuple(name, fc.nat(9)).map(([tool, n]) => `tools.${tool}({ n: ${n}, seen: seen.length })`);
const caught = call.map(one => `seen.push(await ${one}.catch(error => error.code));`);
const abreast = fc
  .array(call, { minLength: 2, maxLength: 3 })
  .map(all => `seen.push(...(await Promise.all([${all.map(one => `${one}.catch(e => e.code)`).join(', ')}])));`);
const chains = fc.tuple(call, call).map(([a, b]) => {
  const chain = `async () => [await ${a}.catch(e => e.code), await ${b}.catch(e => e.code)]`;
  return `seen.push(...(await Promise.all([0, 1].map(${chain}))).flat());`;
});
const loop = fc
  .tuple(fc.integer({ min: 1, max: 3 }), caught)
  .map(([times, body]) => `for (let i = 0; i < ${times}; i++) { ${body} }`);
// What it draws differs from call to call, and what comes of it does not.
const chance = fc
  .constant("const drawn = Math.random(); seen.push((await tools.once({ drawn })).replace(String(drawn), ''));")
  .map(body => `{ ${body} }`);
const program = fc
  .array(fc.oneof(caught, abreast, chains, loop, chance), { minLength: 1, maxLength: 4 })
  .map(body => `const seen = []; ${body.join(' ')} return seen;`);

const cuts = fc.array(
  fc.record({ at: fc.integer({ min: 4, max: 24 }), when: fc.constantFrom('before' as const, 'after' as const) }),
  { minLength: 1, maxLength: 3 },
);

/** What a call of this tool gives; the same whoever says so. */
function gives(tool: string, args: string) {
  if (tool === 'fails') return { ok: false as const, code: 'bad_luck', message: 'no' };
  return { ok: true as const, output: `did ${args}` };
}

class Tools extends TestTools {
  /** Runs of calls that must not run twice, by their key. */
  readonly once = new Map<string, number>();

  override async list() {
    const [first] = await super.list();
    if (first === undefined) throw new Error('there is a tool');
    const of = (tool: string, idempotent: boolean) => ({ ...first, name: tool, idempotent });
    return [of('safe', true), of('once', false), of('fails', false)];
  }
}

function tools(): Tools {
  const made = new Tools();
  made.act = async (run, tool) => {
    if (tool !== 'safe') made.once.set(run.key, (made.once.get(run.key) ?? 0) + 1);
    return gives(tool, JSON.stringify(run.arguments));
  };
  return made;
}

/** Runs the program through processes that die at these writes, and one that does not. */
async function outputOf(
  code: string,
  deaths: readonly Cut[],
): Promise<{ readonly output: unknown; readonly ran: Tools; readonly asked: number }> {
  const made = new World();
  made.provider.follow(({ context }) => {
    const answered = context.some(({ items }) => items.some(item => item.type === 'function_call_output'));
    return batches(answered ? message('Done.') : calls([PROGRAM_TOOL, JSON.stringify({ code })]));
  });
  const ran = tools();
  let id: string | null = null;
  /** A process may die after a session's begin is durable and before that is told: then another one is asked for, and both run. */
  let asked = 0;
  const begin = (engine: Parameters<typeof session>[0]): Promise<string> => {
    asked += 1;
    return session(engine, AGENT);
  };
  for (const cut of deaths) {
    const dying = new DyingStore(cut);
    const { engine } = made.boot({ tools: { ...desk(ran), programs: programsHere() }, wrap: dying.wrap });
    const lives = async (): Promise<void> => {
      if (id !== null) await engine.recover();
      id ??= await begin(engine);
      await settle(engine, id);
    };
    // Whoever asked hears nothing of a process that died.
    await Promise.race([dying.died, lives().catch(() => undefined)]);
    made.pass(60_000);
  }
  const last = made.boot({ tools: { ...desk(ran), programs: programsHere() } });
  await last.engine.recover();
  id ??= await begin(last.engine);
  await settle(last.engine, id);
  // What its model had begun to call was cut: the turn has failed, and nothing of it runs.
  if ((await shown(last.engine, id)).some(({ type }) => type === 'response.failed'))
    return { output: null, ran, asked };
  const items = made.provider.calls.at(-1)?.context.flatMap(run => run.items) ?? [];
  return { output: items.find(item => item.type === 'function_call_output')?.['output'], ran, asked };
}

/** Says of calls of which nobody knows whether they ran what they gave, until the turn has ended. */
async function settle(engine: Parameters<typeof becomes>[0], id: string): Promise<void> {
  while ((await becomes(engine, id, 'idle', 'requires_action')) === 'requires_action') {
    for (const action of (await engine.agentSessions.view(ACME, id)).actions) {
      const given = gives(textOf(action['name']), textOf(action['arguments']));
      const approval = textOf(action['approval']);
      if (given.ok) await engine.approvals.complete(ACME.tenant, approval, 'key:boss', given.output);
      else await engine.approvals.deny(ACME.tenant, approval, 'key:boss', '');
    }
  }
}

test('J1, L6: a program comes to the same, and runs nothing twice that must not, whoever dies', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(program, cuts, async (code, deaths) => {
      const calm = await outputOf(code, []);
      const cut = await outputOf(code, deaths);
      const known = (output: unknown): unknown => String(output).replaceAll('outcome_unknown', 'bad_luck');
      if (cut.output !== null) expect(known(cut.output)).toBe(calm.output);
      else if (cut.asked === 1) expect(cut.ran.ran).toEqual([]);
      for (const times of cut.ran.once.values()) expect(times).toBe(1);
    }),
    { numRuns: 25 },
  );
});
