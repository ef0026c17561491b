/** `perdure ledger copy`: a log from a server into a folder, verified before it is called whole. */
import { resolve } from 'node:path';
import { verifyLog } from '../../engine/ledger/verify-log.ts';
import { openPathBlobs } from '../../store/blobs/path-blobs.ts';
import { CliError, EXIT, type ExitCode } from '../cli/exit.ts';
import { type Io, printJson } from '../cli/io.ts';
import { trustedKey, verifiedJson, verifiedText } from './commands.ts';
import { copyLog, type FetchFile } from './copy.ts';
import { sealingHash, sealingSha256 as sha256 } from './digest.ts';
import { filesOf } from './folders.ts';
import { verifyEd25519 } from './signing-key.ts';

export interface CopyOptions {
  readonly json?: boolean;
  readonly key?: string;
}

/** For one file, ms. */
const FILE_MS = 30_000;
/** Files between two lines of progress. */
const PROGRESS = 1024;

export async function ledgerCopy(url: string, folder: string, options: CopyOptions, io: Io): Promise<ExitCode> {
  const trusted = trustedKey(options.key);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CliError(EXIT.usage, `${url} is no http or https address`, { hint: 'Want http://HOST/ledger/HOME.' });
  const into = resolve(io.cwd, folder);
  const copied = await copyLog(filesAt(url, io), openPathBlobs(into), (done, of) => {
    if (done % PROGRESS === 0 && done > 0) io.err(`${done} of ${of} files\n`);
  });
  const { blobs, fetched } = copied;
  const parts = { blobs, files: filesOf(into), sha256, hash: sealingHash, verify: verifyEd25519 };
  const verified = await verifyLog({ ...parts, ...(trusted !== undefined && { trusted }) });
  const ok = verified.faults.length === 0;
  if (ok) await copied.finish();
  const log = { home: folder, verified };
  if (options.json === true) printJson(io, { object: 'perdure.ledger.copied', ok, fetched, logs: [verifiedJson(log)] });
  else io.out(`${verifiedText(log)}copied  ${fetched} files\n`);
  if (!ok)
    io.err(
      'The checkpoint was not written. A file that was cut or changed here is fetched again once it is removed.\n',
    );
  else if (trusted === undefined) io.err('The keys are those that the log itself names: give --key to check them.\n');
  return ok ? EXIT.ok : EXIT.refused;
}

/** The files of a log at an address. PERDURE_API_KEY is sent along, if it is set. */
function filesAt(url: string, io: Io): FetchFile {
  const base = url.replace(/\/+$/, '');
  const key = io.env['PERDURE_API_KEY'];
  const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  return async (path, most) => {
    let answer: Response;
    try {
      answer = await fetch(`${base}/${path}`, { headers, signal: AbortSignal.timeout(FILE_MS) });
      if (answer.ok) return await bodyOf(answer, path, most);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(EXIT.failed, `${base}/${path} was not answered`, {
        hint: 'Run it again: what is there is not fetched again.',
        cause: error,
      });
    }
    await answer.body?.cancel();
    if (answer.status === 404) return null;
    const refused = answer.status === 401 || answer.status === 403;
    throw new CliError(refused ? EXIT.refused : EXIT.failed, `${base}/${path}: ${answer.status}`, {
      ...(refused && { hint: 'Set PERDURE_API_KEY to a key with the scope auditor.' }),
    });
  };
}

/** @throws CliError beyond `most` bytes: no server makes us hold more */
async function bodyOf(answer: Response, path: string, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) throw new CliError(EXIT.failed, `${path} has more than ${most} bytes`);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
