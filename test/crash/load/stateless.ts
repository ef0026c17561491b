/** Calls of which nothing is kept but that they happened: `store: false` and Chat Completions, as JSON and as streams. */
import type { Client } from './client.ts';
import { codeOf, send } from './http.ts';
import { type Load, pause } from './turns.ts';

export const STATELESS_MODEL = 'crash-stateless';
const WORDS = { least: 20, most: 60 };

export function statelessClient(load: Load, name: string, dialect: 'responses' | 'chat'): Client {
  const { random, ledger, violations } = load;

  function request(): { readonly path: string; readonly body: string } {
    const text = `Ticket ${random.word(12)}. [[words: ${random.between(WORDS.least, WORDS.most)}]]`;
    const stream = random.chance(0.6);
    return dialect === 'chat'
      ? {
          path: '/v1/chat/completions',
          body: JSON.stringify({ model: STATELESS_MODEL, stream, messages: [{ role: 'user', content: text }] }),
        }
      : { path: '/v1/responses', body: JSON.stringify({ model: STATELESS_MODEL, stream, store: false, input: text }) };
  }

  return {
    name,
    busy: () => false,
    async step(endpoint) {
      const record = ledger.call(name);
      let answered = false;
      const answer = await send(
        endpoint,
        { method: 'POST', ...request() },
        {
          onHead: (status, headers) => {
            answered = status === 200;
            const placement = headers['perdure-placement'];
            if (status === 200 && typeof placement === 'string') record.placement = placement;
            else if (status === 200) violations.add('L5', 'an answer names no placement', name);
          },
          onText: text => {
            if (answered) record.bytes += text.length;
          },
        },
      );
      if (answer.status === 200) return;
      if (answer.status === 507 && load.mayBeFull) {
        load.refusedFull += 1;
        await pause(25);
      } else if (!(load.mayBeFull && answer.status === 503)) {
        violations.add(
          'liveness',
          `a stateless call was answered ${answer.status} ${codeOf(answer)}`,
          answer.text.slice(0, 300),
        );
      }
    },
  };
}
