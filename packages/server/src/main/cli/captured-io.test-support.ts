/** Runs a command in this process and keeps what it says. */
import { main } from '../cli.ts';
import type { Environment } from '../config/interpolate.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function perdure(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Environment } = {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const code = await main(argv, {
    out: text => void (out += text),
    err: text => void (err += text),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
  });
  return { code, out, err };
}
