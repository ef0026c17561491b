/** A turn beside which much happens: metadata of its conversation is set again and again while it runs, so that its own events lie far apart. */
import { describe, expect, test } from 'vitest';
import { MAX_EVENTS_READ } from './ports.ts';
import { batches, failure, message } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, gate, read, request, World } from './world.test-support.ts';

/** A change of metadata, and the erasing of what was there before. */
const EVENTS_A_CHANGE = 2;
const PAGE = MAX_EVENTS_READ / EVENTS_A_CHANGE;

interface Busy {
  readonly world: World;
  readonly booted: Booted;
  readonly id: string;
  readonly response: string;
}

async function* thenBreak(): AsyncGenerator<ReturnType<typeof message>> {
  yield message('said');
  throw failure('upstream_interrupted');
}

/** A conversation of three items and a turn that heard `Hello` and said `said`, whole or not, after so many changes. */
async function busy(changes: number, whole = true): Promise<Busy> {
  const world = new World({ limits: { turnAttempts: 1 } });
  const booted = world.boot();
  const { engine } = booted;
  const input = ['one', 'two', 'three'].map(content => ({ role: 'user', content }));
  const { id } = await engine.conversations.create(ACME, request({ input }).input, {});
  const [asked, goOn] = [gate(), gate()];
  world.provider.onCall = async () => {
    asked.open();
    await goOn.opened;
  };
  world.provider.follow(() => (whole ? batches(message('said')) : thenBreak()));
  const response = await ask(engine, { conversation: id, input: 'Hello', stream: true });
  const shown = read(response.events(undefined, new AbortController().signal));
  await asked.opened;
  for (let n = 0; n < changes; n++) await engine.conversations.update(ACME, id, { n: String(n) });
  goOn.open();
  await shown;
  return { world, booted, id, response: response.id };
}

const listed = async ({ booted: { engine }, id }: Busy) =>
  (await engine.conversations.listItems(ACME, id, { order: 'asc', limit: 10 })).items;

describe.each([1, PAGE - 2, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 1])('with %i changes', changes => {
  test('each item is the one that its id names, and only that is deleted', async () => {
    const made = await busy(changes);
    const { conversations } = made.booted.engine;
    const items = await listed(made);
    expect(items).toHaveLength(5);
    for (const item of items) expect(await conversations.readItem(ACME, made.id, item.id)).toEqual(item);
    const after = await conversations.listItems(ACME, made.id, { order: 'asc', limit: 10, after: items[3]?.id ?? '' });
    expect(after.items).toEqual(items.slice(4));
    await conversations.deleteItem(ACME, made.id, items[3]?.id ?? '');
    expect(await listed(made)).toEqual(items.toSpliced(3, 1));
  });

  test('its items can be referred to', async () => {
    const made = await busy(changes);
    const [, , , heard, said] = await listed(made);
    const input = [heard, said].map(item => ({ type: 'item_reference', id: item?.id ?? '' }));
    await (await ask(made.booted.engine, { input })).done;
    const sent = made.world.provider.calls.at(-1)?.context.flatMap(run => run.items);
    // By now it holds the answer too.
    expect(sent?.slice(0, -1)).toMatchObject([{ content: [{ text: 'Hello' }] }, { content: [{ text: 'said' }] }]);
  });

  test('L13: what a failed one had shown is erased with its response', async () => {
    const { world, booted, response } = await busy(changes, false);
    const payloads = () =>
      [...(world.data.get('local')?.sessions.values() ?? [])].flatMap(({ events }) =>
        events.map(({ payload }) => payload ?? ''),
      );
    expect(payloads().join()).toContain('"said"');
    await booted.engine.deleteResponse(ACME, response);
    expect(payloads().join()).not.toContain('"said"');
  });
});
