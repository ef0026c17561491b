/** Loaded before the server: notes what it loads, and its threads, and tells them to who asks. */
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

export interface Noted {
  readonly modules: readonly string[];
  readonly threads: readonly string[];
  /** Node's own. */
  readonly builtins: readonly string[];
}

const modules: string[] = [];
const threads: string[] = [];

registerHooks({
  load(url, context, next) {
    modules.push(url);
    return next(url, context);
  },
});

function loadedBuiltins(): readonly string[] {
  const { moduleLoadList } = process as { readonly moduleLoadList?: readonly string[] };
  return moduleLoadList?.map(name => name.replace(/^NativeModule /, '')) ?? [];
}

if (isMainThread) {
  process.on('worker', worker => {
    const { threadName } = worker;
    threads.push(threadName ?? '');
    worker.once('exit', () => void threads.splice(threads.indexOf(threadName ?? ''), 1));
  });
  process.on('message', () => process.send?.({ modules, threads, builtins: loadedBuiltins() } satisfies Noted));
  process.channel?.unref();
}
