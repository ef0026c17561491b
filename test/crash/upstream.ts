/** The upstream: an emulator in the harness's own process, so that it outlives every server; and the server's configuration that points at it. */
import { writeFileSync } from 'node:fs';
import { type Emulator, startEmulator } from '@perdure/emulator';
import { MODEL } from './load/chain.ts';
import { STATELESS_MODEL } from './load/stateless.ts';

export interface Upstream {
  readonly emulator: Emulator;
  /** Requests for stored turns since the last call. Call it while the server is down. */
  newRequests(): Promise<number>;
}

const CLOUD = 'azure';

/** @param tokenMs ms a token: what keeps turns in flight */
export async function startUpstream(tokenMs: number): Promise<Upstream> {
  const emulator = await startEmulator({ clouds: [CLOUD], defaults: { kind: 'latency', ms: tokenMs } });
  return {
    emulator,
    async newRequests() {
      const log = `${emulator.url}/_emulator/log`;
      const { total, requests } = (await (await fetch(log)).json()) as { total: number; requests: { model: string | null }[] };
      await (await fetch(log, { method: 'DELETE' })).arrayBuffer();
      if (total > requests.length) throw new Error(`the upstream's log forgot ${total - requests.length} requests: look more often`);
      return requests.filter(({ model }) => model === MODEL).length;
    },
  };
}

export function writeConfig(file: string, emulator: Emulator): void {
  const target = (id: string, model: string): string =>
    `  - {id: ${id}, vendor: openai, model: ${model}, cloud: azure, region: eastus, dialect: openai-responses, base_url: "${emulator.baseUrl(CLOUD)}"}\n`;
  writeFileSync(file, `targets:\n${target('stored', MODEL)}${target('stateless', STATELESS_MODEL)}`);
}
