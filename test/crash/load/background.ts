/** Responses in the background: begun, and most of them cancelled a little later, however often the server dies in between (L7). */
import { MODEL } from './chain.ts';
import type { Client } from './client.ts';
import { codeOf, type Endpoint, fieldsOf, send } from './http.ts';
import { isFinal, type TurnRecord } from './ledger.ts';
import { keepEnd, type Load, PATIENT, pause, settleTurn } from './turns.ts';

const WORDS = { least: 20, most: 120 };
/** ms from the beginning to the cancel. */
const CANCEL_MS = { least: 0, most: 40 };

export function backgroundClient(load: Load, name: string): Client {
  const { random, ledger, violations } = load;
  let open: { readonly record: TurnRecord; readonly cancels: boolean } | null = null;

  async function begin(endpoint: Endpoint): Promise<void> {
    const marker = random.word(12);
    const input = `Ticket ${marker}. [[words: ${random.between(WORDS.least, WORDS.most)}]]`;
    const body = JSON.stringify({ model: MODEL, input, background: true, store: true });
    const record = ledger.turn({
      client: name,
      marker,
      body,
      stream: false,
      key: null,
      input: [input],
      asksForCall: false,
    });
    record.open = true;
    // Without a key nobody may ask again: what was cut before its answer came is lost to this client.
    const answer = await send(endpoint, { method: 'POST', path: '/v1/responses', body }).finally(() => {
      record.open = false;
    });
    if (answer.status !== 200) return refused(answer.status, codeOf(answer));
    const resource = fieldsOf(answer.text);
    if (resource['background'] !== true) violations.add('L2', 'a background response does not say so', name);
    ledger.acknowledged(record, String(resource['id']));
    record.open = true;
    open = { record, cancels: random.chance(0.8) };
  }

  async function refused(status: number, code: string): Promise<void> {
    if (status === 507 && load.mayBeFull) load.refusedFull += 1;
    else if (!PATIENT.has(code) && !load.mayBeFull)
      violations.add('liveness', `a background response was answered ${status} ${code}`, name);
    await pause(25);
  }

  async function cancel(endpoint: Endpoint, record: TurnRecord): Promise<boolean> {
    await pause(random.between(CANCEL_MS.least, CANCEL_MS.most));
    const answer = await send(endpoint, { method: 'POST', path: `/v1/responses/${record.id ?? ''}/cancel` });
    if (answer.status !== 200) {
      await refused(answer.status, codeOf(answer));
      return false;
    }
    const resource = fieldsOf(answer.text);
    if (isFinal(resource)) keepEnd(load, record, resource);
    else violations.add('L7', 'a cancel was answered before the end', `${name} ${record.id ?? '-'}`);
    return true;
  }

  return {
    name,
    busy: () => open !== null,
    async step(endpoint) {
      if (open === null) return begin(endpoint);
      const { record, cancels } = open;
      if (!(cancels ? await cancel(endpoint, record) : await settleTurn(load, endpoint, record))) return;
      open = null;
    },
  };
}
