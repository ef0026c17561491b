import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { Inbox, wake } from './inbox.ts';
import type { Request } from './messages.ts';

const REQUEST: Request = [1, 'document', 'd'];

function linked() {
  const posts = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const post = (): void => {
    port2.postMessage([REQUEST]);
    wake(posts);
  };
  return { inbox: new Inbox(port1, posts), post };
}

afterEach(() => vi.restoreAllMocks());

test('what was posted comes without a sleep; nothing, after the time given', () => {
  const { inbox, post } = linked();
  post();
  expect(inbox.next()).toEqual([REQUEST]);
  const began = performance.now();
  expect(inbox.next(30)).toBeNull();
  expect(performance.now() - began).toBeGreaterThan(25);
  expect(inbox.take()).toBeNull();
});

// The two moments between which the worker makes up its mind to sleep: before it reads the count, and before it sleeps.
for (const moment of ['load', 'wait'] as const) {
  test(`what is posted just before Atomics.${moment} is not slept over`, () => {
    const { inbox, post } = linked();
    const before = Atomics[moment] as (...args: readonly unknown[]) => unknown;
    vi.spyOn(Atomics, moment).mockImplementationOnce((...args: readonly unknown[]): never => {
      post();
      return before(...args) as never;
    });
    const slept = vi.spyOn(Atomics, 'wait');
    expect(inbox.next(1000)).toEqual([REQUEST]);
    for (const { value } of slept.mock.results) expect(value).toBe('not-equal');
  });
}

test('a pause lasts its time whatever is posted meanwhile, and loses nothing', () => {
  const { inbox, post } = linked();
  post();
  const began = performance.now();
  inbox.pause(30);
  expect(performance.now() - began).toBeGreaterThan(25);
  inbox.pause(-1);
  expect(inbox.next()).toEqual([REQUEST]);
});
