/** `shell`: a command in the workspace. */
import * as z from 'zod';
import type { ExecResult } from '../../engine/tools/ports.ts';
import { type BuiltinTool, builtinTool } from './tool.ts';

const COMMAND_CHARS = 100_000;
const DEFAULT_MS = 60_000;

export const SHELL: BuiltinTool = builtinTool(
  {
    name: 'shell',
    description:
      'Runs a command in the shell of the workspace (/workspace) and returns what it printed. Each command starts anew: folders and variables that one sets are not kept, files are. Nothing runs on after it has ended.',
    idempotent: false,
  },
  z.strictObject({
    command: z.string().min(1).max(COMMAND_CHARS).describe('As typed at a prompt. It may have several lines.'),
    cwd: z.string().nullish().describe('The folder to run in, below /workspace. Default: /workspace.'),
    timeout_ms: z.int().min(1).max(86_400_000).nullish().describe(`When it is ended. Default: ${DEFAULT_MS}.`),
  }),
  async ({ command, cwd = null, timeout_ms }, place, run) => {
    const workspace = await place.workspace();
    const { key, signal, show } = run;
    const result = await workspace.exec({ command, cwd, key, timeoutMs: timeout_ms ?? DEFAULT_MS, signal, show });
    const { exitCode, durationMs, output } = result;
    return {
      ok: true,
      output: told(result),
      detail: { type: 'command', command, cwd, exitCode, durationMs, output },
    };
  },
);

function told({ output, exitCode, ended, durationMs, refusedHosts }: ExecResult): string {
  const lines = [
    ...(output === '' ? [] : [output.replace(/\n$/, '')]),
    ...(refusedHosts.length === 0 ? [] : [`[held back by the network rules: ${refusedHosts.join(', ')}]`]),
    exitCode === null ? `[ended: ${ended}, after ${durationMs} ms]` : `[exit code ${exitCode}, ${durationMs} ms]`,
  ];
  return lines.join('\n');
}
