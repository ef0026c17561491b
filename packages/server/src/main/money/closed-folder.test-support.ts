/** A data folder with calls of March 2026, a configuration whose prices and terms can be changed, and the command line over it. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, perdure } from '../cli/captured-io.test-support.ts';
import { contractFolder } from '../contracts.ts';
import { layFolder } from '../evidence/recorded-folder.test-support.ts';
import { parseCsv } from './csv.ts';

/** What of the configuration is changed from test to test. */
export interface Said {
  /** $ per million tokens of input on every target. */
  readonly price?: number;
  readonly revenue?: number;
  readonly percent?: number;
  /** Whole dollars; null: none. */
  readonly cap?: number | null;
  /** Cloud of the commitment; null: no contract has money terms. */
  readonly cloud?: string | null;
  readonly port?: number;
}

export interface ClosedFolder {
  readonly cwd: string;
  readonly data: string;
  configure(said: Said): void;
  run(...argv: readonly string[]): Promise<Outcome>;
  json(...argv: readonly string[]): Promise<unknown>;
  exported(...argv: readonly string[]): Promise<readonly { readonly [column: string]: string }[]>;
}

/** @param sessions as `layFolder` takes them */
export async function closedFolder(sessions: number): Promise<ClosedFolder> {
  const cwd = mkdtempSync(join(tmpdir(), 'perdure-closes-'));
  const data = join(cwd, 'data');
  mkdirSync(data);
  await layFolder(data, sessions);
  let env: { readonly [name: string]: string } = {};
  const folder: ClosedFolder = {
    cwd,
    data,
    configure({ price = 2, revenue = 3, percent = 20, cap = null, cloud = 'aws', port = 0 }) {
      env = port === 0 ? {} : { PERDURE_URL: `http://127.0.0.1:${port}` };
      termsFolder(cwd, 'own', { percent, cap, cloud });
      const target = (id: string, on: string): string =>
        `  - {id: ${id}, vendor: openai, model: gpt, cloud: ${on}, region: r, base_url: "http://127.0.0.1:1/v1", price_book: [{input: ${price}, output: 7}]}\n`;
      writeFileSync(
        join(cwd, 'perdure.yaml'),
        `listen: {port: ${port}}\ntargets:\n${target('azure', 'azure')}${target('aws', 'aws')}` +
          `rates:\n  - {input: ${revenue}, output: 11}\ncontracts: [./own]\nledger: {interval_ms: 100}\n`,
      );
    },
    run: (...argv) => perdure(argv, { cwd, env }),
    async json(...argv) {
      const { code, out, err } = await folder.run(...argv, '--json');
      if (code !== 0) throw new Error(`${argv.join(' ')}: ${code} ${err}`);
      return JSON.parse(out);
    },
    async exported(...argv) {
      const { code, out, err } = await folder.run('usage', 'export', ...argv);
      if (code !== 0) throw new Error(err);
      return parseCsv(out) ?? [];
    },
  };
  return folder;
}

/** A contract without clauses against anything, with a share and a commitment. */
export function termsFolder(
  cwd: string,
  name: string,
  { percent, cap, cloud }: Required<Pick<Said, 'percent' | 'cap' | 'cloud'>>,
): void {
  const folder = join(cwd, name);
  cpSync(contractFolder('none', cwd), folder, { recursive: true });
  const terms =
    cloud === null
      ? ''
      : `commitments:\n  - {id: edp, payer: acme, payee: cloud, amount_usd: 1000, from: 2026-01-01, to: 2028-01-01, counts: {cloud: ${cloud}}, shortfall: owed}\n` +
        `shares:\n  - {id: part, payer: acme, payee: lab, percent: ${percent}, base: {revenue_of: openai-models, clouds: any}${cap === null ? '' : `, cap_usd: ${cap}`}}\n`;
  writeFileSync(
    join(folder, 'contract.yaml'),
    `id: ${name}\nversion: "1"\ntitle: Own terms\neffective: {from: 2026-01-01}\nsources:\n  own: {title: Own}\nclauses:\n  none.all: {source: own, confidence: A, summary: All is allowed.}\n${terms}`,
  );
}
