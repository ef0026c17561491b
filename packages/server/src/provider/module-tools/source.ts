/** Tools of modules, as the engine asks for them. */
import type {
  ToolContent,
  ToolDefinition,
  ToolOutcome,
  ToolRun,
  ToolScope,
  ToolSource,
} from '../../engine/tools/ports.ts';
import { isFields } from '../json.ts';
import { cutText } from '../text.ts';
import { isToolError, type ModuleTool, type ToolResult } from './define-tool.ts';
import type { LoadedTool } from './load.ts';

export interface ModuleSourceOptions {
  readonly tools: readonly LoadedTool[];
  /** UTF-8 bytes of what the model is shown of one result. */
  readonly resultBytes: number;
  /** Of errors that are no `ToolError`: for the log of the operator who wrote the tool. */
  readonly report: (tool: string, error: unknown) => void;
}

/** UTF-8 bytes of a message about a failure. */
const MESSAGE_BYTES = 16 * 1024;

export function makeModuleSource({ tools, resultBytes, report }: ModuleSourceOptions): ToolSource {
  const byName = new Map(tools.map(loaded => [loaded.tool.name, loaded]));
  const closing = new AbortController();
  const mayCall = ({ tenants }: ModuleTool, scope: ToolScope): boolean =>
    tenants === null || tenants.includes(scope.tenant);

  async function run(scope: ToolScope, { name }: ToolDefinition, how: ToolRun): Promise<ToolOutcome> {
    const tool = byName.get(name)?.tool;
    if (tool === undefined || !mayCall(tool, scope)) return failed('tool_gone', 'The server no longer has this tool.');
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), tool.timeoutMs).unref();
    const signal = AbortSignal.any([how.signal, late.signal, closing.signal]);
    const stopped = new Promise<'stopped'>(resolve => {
      if (signal.aborted) resolve('stopped');
      else signal.addEventListener('abort', () => resolve('stopped'), { once: true });
    });
    const { tenant, session, principal } = scope;
    try {
      // A tool that does not look at its signal is not waited for.
      const done = await Promise.race([
        tool.call(how.arguments, { key: how.key, signal, tenant, session, principal, show: how.show }),
        stopped,
      ]);
      if (done === 'stopped') return whyStopped(tool, late.signal.aborted);
      if ('wrong' in done) return failed('invalid_arguments', cutText(done.wrong, MESSAGE_BYTES));
      return { ok: true, output: outputOf(done.result, resultBytes) };
    } catch (error) {
      if (signal.aborted) return whyStopped(tool, late.signal.aborted);
      if (isToolError(error)) return failed(error.code, cutText(error.message, MESSAGE_BYTES));
      report(name, error);
      return failed('tool_failed', 'The tool failed.');
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    kind: 'module',
    list: async scope =>
      tools
        .filter(({ tool }) => mayCall(tool, scope))
        .map(({ module, tool: { name, description, parameters, idempotent, deferred } }) => ({
          name,
          description,
          parameters,
          idempotent,
          deferred,
          origin: { kind: 'module', module },
        })),
    run,
    release: async () => undefined,
    close: async () => closing.abort(),
  };
}

function whyStopped({ timeoutMs, idempotent }: ModuleTool, late: boolean): ToolOutcome {
  const unknown = idempotent ? '' : ' It is not known what it has done.';
  return late
    ? failed('tool_timeout', `The tool did not end within ${timeoutMs} ms.${unknown}`)
    : failed('cancelled', `The call was cancelled.${unknown}`);
}

function outputOf(result: ToolResult, most: number): string | readonly ToolContent[] {
  if (typeof result === 'string') return cutText(result, most);
  if (Array.isArray(result) && result.length > 0 && result.every(isContent)) {
    const size = Buffer.byteLength(JSON.stringify(result));
    return size <= most ? result : `[A result of ${size} bytes: left out, it has ${most} bytes at most.]`;
  }
  return cutText(JSON.stringify(result) ?? '', most);
}

function isContent(part: unknown): part is ToolContent {
  if (!isFields(part)) return false;
  return (
    (part['type'] === 'input_text' && typeof part['text'] === 'string') ||
    (part['type'] === 'input_image' && typeof part['image_url'] === 'string')
  );
}

function failed(code: string, message: string): ToolOutcome {
  return { ok: false, code, message };
}
