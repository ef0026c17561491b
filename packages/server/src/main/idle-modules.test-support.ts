/** Loaded before the server: notes what it loads, and its threads, and tells them to who asks. */
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

export interface Noted {
  readonly modules: readonly string[];
  readonly threads: readonly string[];
}

const modules: string[] = [];
const threads: string[] = [];

registerHooks({
  load(url, context, next) {
    modules.push(url);
    return next(url, context);
  },
});

if (isMainThread) {
  process.on('worker', worker => {
    const { threadName } = worker;
    threads.push(threadName ?? '');
    worker.once('exit', () => void threads.splice(threads.indexOf(threadName ?? ''), 1));
  });
  process.on('message', () => process.send?.({ modules, threads } satisfies Noted));
  process.channel?.unref();
}
