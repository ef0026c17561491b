/** `perdure ledger`: on the folders, also while a server works on them; only `rotate` wants them for itself. */
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CHECKPOINT_FILE, loadCheckpoint, loadKeys } from '../../engine/ledger/log-file.ts';
import { LogReader } from '../../engine/ledger/log-reader.ts';
import { type Verified, verifyLog } from '../../engine/ledger/verify-log.ts';
import { toBase64, toHex } from '../../ledger/base64.ts';
import { formatBundle, formatProof, statementOf } from '../../ledger/evidence.ts';
import { formatVerifier, parseVerifier, type Verifier } from '../../ledger/note.ts';
import { consistent } from '../../ledger/proof.ts';
import { openPathBlobs, readPathBlobs } from '../../store/blobs/path-blobs.ts';
import { acquireDataLock } from '../../store/sqlite/data-lock.ts';
import { CliError, EXIT, type ExitCode } from '../cli/exit.ts';
import { type Io, printJson } from '../cli/io.ts';
import type { ConfigFlags } from '../cli/options.ts';
import { table } from '../cli/table.ts';
import type { Config } from '../config/config.ts';
import { configured } from '../configured.ts';
import { configWith } from '../discover.ts';
import { sealingHash, sealingSha256 as sha256 } from './digest.ts';
import { evidenceOf, evidenceOfId, openedText } from './evidence.ts';
import { filesOf, findLogs, type LogFolder } from './folders.ts';
import { openLogs, rotateKeys } from './place.ts';
import { publicKeyPem, readSigningKey, verifyEd25519 } from './signing-key.ts';
import { placeOf } from './start.ts';

export interface LedgerOptions extends ConfigFlags {
  readonly json?: boolean;
}
export interface VerifyOptions {
  readonly json?: boolean;
  readonly home?: string;
  readonly key?: string;
}
export interface ConsistencyOptions extends LedgerOptions {
  readonly home?: string;
}
export interface EvidenceOptions extends ConsistencyOptions {
  /** Of what was changed several times, which change: from 1. */
  readonly change?: number;
  /** Of a placement: what was metered of its call. */
  readonly meter?: boolean;
  readonly out?: string;
}

/** Leaves between two lines of progress. */
const PROGRESS = 262_144;
const ATTEMPTS = 5;

export async function ledgerVerify(folder: string, options: VerifyOptions, io: Io): Promise<ExitCode> {
  const logs = await findLogs(resolve(io.cwd, folder), options.home);
  const trusted = trustedKey(options.key);
  const results: { readonly home: string; readonly verified: Verified }[] = [];
  for (const log of logs) {
    results.push({ home: log.home, verified: await verifyFolder(log, trusted, io) });
  }
  const ok = results.every(({ verified }) => verified.faults.length === 0);
  if (options.json === true) printJson(io, { object: 'perdure.ledger.verified', ok, logs: results.map(verifiedJson) });
  else {
    for (const result of results) io.out(verifiedText(result));
    if (trusted === undefined)
      io.err('The keys are those that the log itself names: give --key to check them against one that you know.\n');
  }
  return ok ? EXIT.ok : EXIT.refused;
}

/** The key that `--key` gives. @throws CliError if it is none */
export function trustedKey(given: string | undefined): Verifier | undefined {
  const trusted = given === undefined ? undefined : parseVerifier(sha256, given);
  if (trusted === null) throw new CliError(EXIT.usage, `${given ?? ''} is no key: want name+id+key`);
  return trusted;
}

/** A log that a server seals meanwhile loses files that are full now: what was found wrong with it is looked at again. */
async function verifyFolder(log: LogFolder, trusted: Verifier | undefined, io: Io): Promise<Verified> {
  const blobs = readPathBlobs(log.folder);
  const newest = async (): Promise<string> => toHex((await blobs.get(CHECKPOINT_FILE)) ?? new Uint8Array(0));
  for (let attempt = 1; ; attempt++) {
    const before = await newest();
    const verified = await verifyLog({
      blobs,
      files: filesOf(log.folder),
      sha256,
      hash: sealingHash,
      verify: verifyEd25519,
      ...(trusted !== undefined && { trusted }),
      onProgress: (leaves, of) => {
        if (leaves % PROGRESS === 0) io.err(`${log.home}: ${leaves} of ${of} leaves\n`);
      },
    });
    if (verified.faults.length === 0 || attempt === ATTEMPTS || before === (await newest())) return verified;
  }
}

export function verifiedJson({ home, verified }: { home: string; verified: Verified }): unknown {
  const { origin, size, root, keys, kinds, beyond, faults } = verified;
  const names = keys.map(key => formatVerifier(sha256, key));
  return { home, origin, size, root: toBase64(root), keys: names, kinds, beyond, ok: faults.length === 0, faults };
}

export function verifiedText({ home, verified }: { home: string; verified: Verified }): string {
  const { origin, size, root, keys, kinds, beyond, faults } = verified;
  const rows = [
    ['log', `${origin} (home ${home})`],
    [
      'leaves',
      `${size}${Object.entries(kinds)
        .map(([kind, count]) => `, ${count} ${kind}`)
        .join('')}`,
    ],
    ['root', toBase64(root)],
    ...keys.map(key => ['key', formatVerifier(sha256, key)]),
    ...(beyond > 0 ? [['beyond', `${beyond} files beyond the checkpoint, left by a crash: no part of the log`]] : []),
    ...faults.map(fault => ['FAULT', fault]),
    ['result', faults.length === 0 ? 'every leaf, tile, key and signature holds' : 'the log does not hold'],
  ];
  return `${rows.map(([name = '', what = '']) => `${name.padEnd(8)}${what}`).join('\n')}\n`;
}

async function configOf(options: LedgerOptions, io: Io): Promise<Config> {
  return (await configured(options, io, async () => configWith([], io.cwd))).config;
}

async function onlyLog(config: Config, home: string | undefined): Promise<LogFolder> {
  const logs = await findLogs(config.data, home);
  const [log] = logs;
  if (logs.length > 1 || log === undefined)
    throw new CliError(EXIT.usage, `there are several logs: ${logs.map(one => one.home).join(', ')}`, {
      hint: 'Choose one with --home.',
    });
  return log;
}

export async function ledgerProve(leaf: string, options: EvidenceOptions, io: Io): Promise<ExitCode> {
  const config = await configOf(options, io);
  const numbered = /^\d{1,15}$/.test(leaf);
  const found = numbered
    ? { evidence: await evidenceOf(await onlyLog(config, options.home), Number(leaf)), opened: null }
    : await evidenceOfId(config, leaf, options);
  const proof = formatProof(found.evidence, found.opened === null ? null : openedText(found.opened));
  write(options, io, proof, { object: 'perdure.ledger.proof', index: found.evidence.index, proof });
  return EXIT.ok;
}

function write(options: EvidenceOptions, io: Io, text: string, json: unknown): void {
  if (options.out !== undefined) {
    writeFileSync(resolve(io.cwd, options.out), text);
    io.err(`written to ${options.out}\n`);
  } else if (options.json !== true) io.out(text);
  if (options.json === true) printJson(io, json);
}

export async function ledgerConsistency(
  old: number,
  size: number,
  options: ConsistencyOptions,
  io: Io,
): Promise<ExitCode> {
  const { folder } = await onlyLog(await configOf(options, io), options.home);
  const blobs = openPathBlobs(folder);
  const newest = (await loadCheckpoint(blobs))?.checkpoint.size ?? 0;
  if (!(old <= size && size <= newest))
    throw new CliError(EXIT.usage, `want sizes of this log, the smaller one first: it has ${newest} leaves`);
  const reader = new LogReader(blobs, sha256, newest);
  const [oldRoot, root] = [await reader.root(old), await reader.root(size)];
  const path = await reader.consistency(old, size);
  const holds = consistent(sha256, { old, size, oldRoot, root, path });
  if (options.json === true)
    printJson(io, {
      object: 'perdure.ledger.consistency',
      ok: holds,
      old: { size: old, root: toBase64(oldRoot) },
      new: { size, root: toBase64(root) },
      proof: path.map(toBase64),
    });
  else
    io.out(
      `${table(
        ['SIZE', 'ROOT'],
        [
          [String(old), toBase64(oldRoot)],
          [String(size), toBase64(root)],
        ],
      )}${path.map(hash => `${toBase64(hash)}\n`).join('')}${holds ? 'the later tree begins with the earlier one' : 'the proof does not hold'}\n`,
    );
  return holds ? EXIT.ok : EXIT.refused;
}

export async function ledgerBundle(id: string, options: EvidenceOptions, io: Io): Promise<ExitCode> {
  const config = await configOf(options, io);
  const { evidence, opened, origin } = await evidenceOfId(config, id, options);
  const signer = readSigningKey(placeOf(config).key)(origin);
  const bundle = formatBundle(sha256, statementOf(evidence, opened), signer);
  write(options, io, bundle, JSON.parse(bundle));
  return EXIT.ok;
}

export async function ledgerKeys(options: LedgerOptions, io: Io): Promise<ExitCode> {
  const config = await configOf(options, io);
  const logs = await findLogs(config.data, undefined);
  const keys = [];
  for (const { home, folder } of logs)
    for (const key of await loadKeys(openPathBlobs(folder), sha256))
      keys.push({ home, key: formatVerifier(sha256, key), pem: publicKeyPem(key.publicKey), id: toHex(key.publicKey) });
  if (options.json === true)
    printJson(io, { object: 'list', data: keys.map(({ home, key, pem }) => ({ home, key, pem })) });
  else
    io.out(
      table(
        ['HOME', 'KEY'],
        keys.map(({ home, key }) => [home, key]),
      ),
    );
  return EXIT.ok;
}

export async function ledgerRotate(options: LedgerOptions, io: Io): Promise<ExitCode> {
  const config = await configOf(options, io);
  if (!existsSync(config.data)) throw new CliError(EXIT.usage, `there is no data folder ${config.data}`);
  const lock = acquireDataLock(config.data);
  try {
    const place = placeOf(config);
    // What is open is sealed, and a rotation that was cut short is carried through, before a new one begins.
    for (const { sealer, close } of await openLogs(place)) {
      while ((await sealer.seal()).more);
      close();
    }
    const rotated = await rotateKeys(place);
    if (options.json === true) printJson(io, { object: 'list', data: rotated });
    else
      io.out(
        table(
          ['HOME', 'NEW KEY'],
          rotated.map(({ home, key }) => [home, key]),
        ),
      );
    io.err(`The change is in the log; tell those who follow it.\n`);
    return EXIT.ok;
  } finally {
    lock.release();
  }
}
