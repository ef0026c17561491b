import { perdureError } from '@perdure/protocol';
import type { SessionId } from '../kernel/ids.ts';
import { actorOf, type Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { findResponse, type Plan, short } from './plan.ts';

/** The parent learns before the child is: its payloads must not be erased under a child that is being made (L13). */
export async function announceFork(
  engine: EngineContext,
  caller: Caller,
  { parent, previous, position }: Extract<Plan, { type: 'fork' }>,
  child: SessionId,
): Promise<void> {
  const missing = (): Error =>
    perdureError('previous_response_not_found', `Previous response with id '${short(previous)}' not found.`, {
      param: 'previous_response_id',
    });
  const live = await engine.sessions.load(parent.tenant, parent.session, parent.store);
  if (live === null) throw missing();
  await engine.sessions.exclusive(live, async () => {
    // It may have been deleted since it was looked at, and what the child would share with it.
    if ((await findResponse(engine, caller, previous)) === null) throw missing();
    const head = { child, to: position };
    await engine.sessions.commit(live, [{ type: 'session.forked', head, payload: null }], { actor: actorOf(caller) });
  });
}
