/** `perdure demo`: the story from beginning to end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createPerdureClient } from '@perdure/client';
import OpenAI from 'openai';
import { EXIT, type ExitCode } from '../cli/exit.ts';
import { type Io, printJson } from '../cli/io.ts';
import { DEFAULT_HOST, DEFAULT_PORT } from '../config/defaults.ts';
import { serverBeside } from './beside.ts';
import { theCrash } from './chapters/crash.ts';
import { theStage } from './chapters/opening.ts';
import { OTHER_READINGS, theReadings } from './chapters/readings.ts';
import { theRefusals, theStatelessCall } from './chapters/refusals.ts';
import { theConversations } from './chapters/talks.ts';
import { Claims, StoryOver } from './claims.ts';
import { AS_OF, type Deployment, makeDeployment } from './deployment.ts';
import { makeProgress, type Progress } from './progress.ts';
import { claimLine, clauseList, type Style, styleFor, wrap } from './report.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import type { Stage } from './stage.ts';
import { findUpstreams, type Upstreams } from './upstreams.ts';

export interface DemoOptions {
  readonly json?: boolean;
  /** Keep configuration and data, and say where. */
  readonly keep?: boolean;
  /** Compare with this reading only. */
  readonly reading?: string;
  /** Where a server may run already. */
  readonly url?: string;
  /** A folder with the contract sets, instead of the shipped ones. */
  readonly contracts?: string;
}

/** The longest that one request may take, ms. A real model may think for a while. */
const REQUEST_MS = 120_000;

export async function demo(options: DemoOptions, io: Io): Promise<ExitCode> {
  const style = styleFor(options.json !== true && process.stdout.isTTY && !io.env['NO_COLOR']);
  const progress = makeProgress(io, options.json !== true && process.stderr.isTTY && process.stdout.isTTY);
  const out = (text: string): void => {
    progress.clear();
    if (options.json !== true) io.out(text);
  };
  const claims = new Claims(result => out(claimLine(result, style)));
  const folder = mkdtempSync(join(tmpdir(), 'perdure-demo-'));
  const closing: (() => Promise<void>)[] = [];
  const interrupted = onInterrupt(closing, folder);
  try {
    out(style.bold('Perdure demo: the dispute of March 2026\n'));
    const say = (text: string): void => out(`${wrap(text, 0)}\n`);
    const beside = await serverBeside(options.url ?? `http://${DEFAULT_HOST}:${DEFAULT_PORT}`, io.env);
    if (beside !== null) say(beside);
    const upstreams = await findUpstreams(io.env, why => io.err(`perdure: ${why}\n`));
    closing.push(() => upstreams.close());
    for (const note of upstreams.notes) say(note);
    const deployment = makeDeployment(
      upstreams,
      options.contracts === undefined ? null : resolve(io.cwd, options.contracts),
    );
    const config = join(folder, 'perdure.yaml');
    writeFileSync(config, deployment.yaml, { mode: 0o600 });
    const play = { claims, deployment, upstreams, style, out, say, progress, readings: readingsOf(options) };
    await theStory({ ...play, start: () => startServer({ config, data: join(folder, 'data'), env: io.env }), closing });
  } catch (error) {
    if (!(error instanceof StoryOver)) throw error;
  } finally {
    interrupted.forget();
    for (const close of closing.toReversed()) await close();
    if (options.keep !== true) rmSync(folder, { recursive: true, force: true });
  }
  return ending(claims, options.keep === true ? folder : null, { ...options, style, out }, io);
}

function readingsOf({ reading }: DemoOptions): readonly string[] {
  return reading === undefined ? OTHER_READINGS : [reading];
}

interface Play {
  readonly claims: Claims;
  readonly deployment: Deployment;
  readonly upstreams: Upstreams;
  readonly readings: readonly string[];
  readonly style: Style;
  readonly out: (text: string) => void;
  readonly say: (text: string) => void;
  readonly progress: Progress;
  readonly start: () => Promise<ServerProcess>;
  readonly closing: (() => Promise<void>)[];
}

async function theStory(play: Play): Promise<void> {
  const { claims, say, style, out, closing } = play;
  let server: ServerProcess | null = null;
  closing.push(async () => server?.stop());
  const start = async (id: string, claim: string, word: string): Promise<void> => {
    const began = performance.now();
    play.progress.show('starting the server');
    await claims.check(id, claim, async () => {
      server = await play.start();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      return {
        text: `${word.padEnd(11)}  the server listens on ${server.url} after ${seconds} s`,
        evidence: { url: server.url },
        wrong: [],
      };
    });
    claims.mustHold();
  };
  const url = (): string => server?.url ?? 'http://127.0.0.1:9';
  const stage: Stage = {
    claims,
    emulated: play.upstreams.emulated,
    talks: new Map(),
    stateless: null,
    readings: play.readings,
    openai: customer =>
      new OpenAI({
        baseURL: `${url()}/v1`,
        apiKey: keyOf(play.deployment, customer),
        maxRetries: 0,
        timeout: REQUEST_MS,
      }),
    perdure: customer => createPerdureClient({ baseURL: url(), apiKey: keyOf(play.deployment, customer) }),
    async kill() {
      const killed = server;
      server = null;
      await killed?.kill();
    },
    restart: () => start('crash.restarted', 'The server starts again on what the killed one left', 'restarted'),
    heading: text => out(`\n${style.bold(text)}\n`),
    working: text => play.progress.show(text),
    say,
  };
  say('');
  await start('stage.started', 'A server of its own starts', 'started');
  for (const chapter of [theStage, theConversations, theStatelessCall, theRefusals, theCrash, theReadings]) {
    await chapter(stage);
    // What comes next stands on it.
    claims.mustHold();
  }
}

function keyOf({ keys }: Deployment, customer: string): string {
  const key = keys[customer];
  if (key === undefined) throw new Error(`no customer ${customer}`);
  return key;
}

interface Ending extends DemoOptions {
  readonly style: Style;
  readonly out: (text: string) => void;
}

function ending(claims: Claims, kept: string | null, { json, style, out }: Ending, io: Io): ExitCode {
  const { results, failed, cited } = claims;
  if (json === true)
    printJson(io, {
      ok: failed.length === 0,
      as_of: AS_OF,
      claims: results,
      cited,
      failed: failed.map(({ id }) => id),
      kept,
    });
  if (failed.length === 0) {
    out(`\n${style.bold('The clauses that decided')}\n${clauseList(cited, style)}`);
    out(`\n${style.good(`All ${results.length} claims hold.`)} Each was read back over the API and checked.\n`);
  } else {
    const names = failed.map(({ id }) => id).join(', ');
    io.err(`perdure: ${failed.length} of ${results.length} claims failed: ${names}. The story ends here.\n`);
  }
  if (kept !== null)
    out(`Kept: ${kept} (perdure up --config ${join(kept, 'perdure.yaml')} --data ${join(kept, 'data')})\n`);
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Ctrl-C, and a reader that goes away (`| head`), leave nothing behind: neither processes nor files. */
function onInterrupt(closing: readonly (() => Promise<void>)[], folder: string): { forget(): void } {
  const end = (): void => {
    void Promise.allSettled(closing.toReversed().map(close => close())).then(() => process.exit(EXIT.failed));
  };
  const gone = (error: Error): void => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
    end();
  };
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  process.stdout.on('error', gone);
  process.once('exit', remove);
  return {
    forget() {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      process.stdout.off('error', gone);
      process.off('exit', remove);
    },
  };
}
