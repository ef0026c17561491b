/** `shell`: a command in the workspace. */
import * as z from 'zod';
import type { ExecResult, ToolOutcome, ToolRun } from '../../engine/tools/ports.ts';
import { askable, askHosts, type AskHosts, HOST_FORM, HOSTS_MOST } from './ask-hosts.ts';
import { type BuiltinTool, builtinTool, type ToolPlace } from './tool.ts';

const COMMAND_CHARS = 100_000;
const DEFAULT_MS = 60_000;

const DESCRIPTION =
  'Runs a command in the shell of the workspace (/workspace) and returns what it printed. Each command starts anew: folders and variables that one sets are not kept, files are. Nothing runs on after it has ended.';
const ASKING =
  ' If a command needs a host that the network rules hold back, call it with that host in "hosts": a person is asked before it runs, and the host is open for that run alone.';

const SHAPE = {
  command: z.string().min(1).max(COMMAND_CHARS).describe('As typed at a prompt. It may have several lines.'),
  cwd: z.string().nullish().describe('The folder to run in, below /workspace. Default: /workspace.'),
  timeout_ms: z.int().min(1).max(86_400_000).nullish().describe(`When it is ended. Default: ${DEFAULT_MS}.`),
};

export const SHELL: BuiltinTool = builtinTool(
  { name: 'shell', description: DESCRIPTION, idempotent: false },
  z.strictObject(SHAPE),
  async (args, place, run) => said(await exec(args, place, run, []), args, []),
);

/** The same where people may be asked for hosts. */
export function askingShell(ask: AskHosts): BuiltinTool {
  const hosts = z
    .array(z.string().regex(HOST_FORM, 'must be a host, or host:port'))
    .max(HOSTS_MOST)
    .nullish()
    .describe('Hosts that it needs beyond the network rules. A person is asked. Default: none.');
  return builtinTool(
    { name: 'shell', description: DESCRIPTION + ASKING, idempotent: false },
    z.strictObject({ ...SHAPE, hosts }),
    async ({ hosts: wanted, ...args }, place, run) => {
      const asked = askHosts(ask, place.spec, wanted ?? [], run, args.command);
      if (!asked.run) return asked.outcome;
      const result = await exec(args, place, run, asked.hosts);
      return said(result, args, askable(ask, place.spec, result.refusedHosts));
    },
  );
}

interface ShellArgs {
  readonly command: string;
  readonly cwd?: string | null | undefined;
  readonly timeout_ms?: number | null | undefined;
}

async function exec(
  { command, cwd = null, timeout_ms }: ShellArgs,
  place: ToolPlace,
  { key: call, again, signal, show }: ToolRun,
  hosts: readonly string[],
): Promise<ExecResult> {
  const workspace = await place.workspace();
  // A worker runs nothing twice under one key, whatever people let it do.
  const key = again === undefined ? call : `${call}.${again}`;
  const opened = hosts.length === 0 ? {} : { hosts };
  return workspace.exec({ command, cwd, key, timeoutMs: timeout_ms ?? DEFAULT_MS, signal, show, ...opened });
}

/** @param open hosts that were held back, and may be asked for */
function said(result: ExecResult, { command, cwd = null }: ShellArgs, open: readonly string[]): ToolOutcome {
  const { exitCode, durationMs, output } = result;
  const hint =
    open.length === 0 ? '' : `\n[to ask a person for them: the same command with "hosts": ${JSON.stringify(open)}]`;
  return {
    ok: true,
    output: told(result) + hint,
    detail: { type: 'command', command, cwd, exitCode, durationMs, output },
  };
}

function told({ output, exitCode, ended, durationMs, refusedHosts }: ExecResult): string {
  const lines = [
    ...(output === '' ? [] : [output.replace(/\n$/, '')]),
    ...(refusedHosts.length === 0 ? [] : [`[held back by the network rules: ${refusedHosts.join(', ')}]`]),
    exitCode === null ? `[ended: ${ended}, after ${durationMs} ms]` : `[exit code ${exitCode}, ${durationMs} ms]`,
  ];
  return lines.join('\n');
}
