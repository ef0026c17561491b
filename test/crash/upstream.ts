/** The upstream: an emulator in the harness's own process, so that it outlives every server; and the server's configuration that points at it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '@perdure/emulator';
import { MODEL } from './load/chain.ts';
import { STATELESS_MODEL } from './load/stateless.ts';
import { REVIEW_MODEL } from './load/verdicts.ts';
import { type Reviewer, startReviewer } from './reviewer.ts';

export interface Upstream {
  readonly emulator: Emulator;
  readonly reviewer: Reviewer;
  /** Requests for stored turns since the last call. To be asked before the emulator's log forgets: after a thousand of any kind. */
  newRequests(): Promise<number>;
  close(): Promise<void>;
}

const CLOUD = 'azure';

/** @param tokenMs ms a token: what keeps turns in flight */
export async function startUpstream(tokenMs: number): Promise<Upstream> {
  const emulator = await startEmulator({ clouds: [CLOUD], defaults: { kind: 'latency', ms: tokenMs } });
  const reviewer = await startReviewer(emulator.baseUrl(CLOUD));
  let counted = 0;
  return {
    emulator,
    reviewer,
    async close() {
      await reviewer.close();
      await emulator.close();
    },
    async newRequests() {
      const { requests } = (await (await fetch(`${emulator.url}/_emulator/log`)).json()) as { requests: Logged[] };
      const fresh = requests.filter(({ number }) => number > counted);
      const first = fresh[0]?.number ?? counted + 1;
      if (first > counted + 1) throw new Error(`the upstream's log forgot ${first - counted - 1} requests`);
      counted += fresh.length;
      return fresh.filter(({ model }) => model === MODEL).length;
    },
  };
}

interface Logged {
  readonly number: number;
  readonly model: string | null;
}

export function writeConfig(file: string, { emulator, reviewer }: Pick<Upstream, 'emulator' | 'reviewer'>): void {
  const target = (id: string, model: string, url = emulator.baseUrl(CLOUD)): string =>
    `  - {id: ${id}, vendor: openai, model: ${model}, cloud: azure, region: eastus, dialect: openai-responses, base_url: "${url}"}\n`;
  const targets = [
    target('stored', MODEL),
    target('stateless', STATELESS_MODEL),
    target('reviewer', REVIEW_MODEL, reviewer.baseUrl),
  ];
  // Sealing is under way at many a kill, and a short log is folded in under load too: a life is over before it fills one of the usual length.
  const often = 'ledger: {interval_ms: 300}\nlimits: {store_log_bytes: 1048576}\n';
  const load = join(import.meta.dirname, 'load');
  const agents = `tools: ${join(load, 'agent-tools.ts')}\npermissions: [${join(load, 'agent-rules')}]\nreview: {model: ${REVIEW_MODEL}}\n`;
  writeFileSync(file, `${often}${agents}targets:\n${targets.join('')}`);
}
