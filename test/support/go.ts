/** Runs our Go program that verifies a log with Go's own library: Debian's, offline. A machine without it fails, and says what it wants. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../ledger-go/main.go', import.meta.url));
const LIBRARY = '/usr/share/gocode';

export interface GoVerifier {
  /** What the program says; it fails where the log does not hold. */
  verify(folderOrUrl: string, keys: readonly string[], bearer?: string): Promise<GoReport>;
  remove(): void;
}

export interface GoReport {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly signatures: number;
  readonly inclusion: number;
  readonly consistency: number;
}

/** @throws if there is no Go */
export async function buildGoVerifier(): Promise<GoVerifier> {
  if (!existsSync(join(LIBRARY, 'src/golang.org/x/mod/sumdb/tlog')))
    throw new Error('this test wants Go and its library: apt-get install golang-go golang-golang-x-mod-dev');
  const folder = mkdtempSync(join(tmpdir(), 'perdure-go-'));
  const binary = join(folder, 'verify');
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: LIBRARY, GOFLAGS: '', GOCACHE: join(folder, 'cache') };
  await run('go', ['build', '-o', binary, PROGRAM], env);
  return {
    async verify(folderOrUrl, keys, bearer) {
      const args = [...(bearer === undefined ? [] : ['-bearer', bearer]), folderOrUrl, ...keys];
      return JSON.parse(await run(binary, args, env)) as GoReport;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command}: ${stderr.trim() || error.message}`));
    });
  });
}
