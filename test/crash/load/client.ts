/** What every client is: something that goes on step by step, whatever happens to the server meanwhile. */
import { AnswerLate, ConnectionCut, type Endpoint } from './http.ts';
import { type Load, pause } from './turns.ts';

export interface Client {
  readonly name: string;
  /** Whether it has begun something that it wants to bring to its end. */
  busy(): boolean;
  /** One exchange. Called again after a cut, with another endpoint. */
  step(endpoint: Endpoint): Promise<void>;
}

/** ms in which a cut connection must be explained by the death of the server. */
const DEATH_MS = 5000;

/** Runs the client until the stage rests and it is done, or closes. Never rejects. */
export async function runClient(load: Load, client: Client): Promise<void> {
  const { stage, violations } = load;
  let dead: Endpoint | null = null;
  for (;;) {
    const endpoint = await nextEndpoint(load, client, dead);
    dead = null;
    if (endpoint === null || (stage.resting && !client.busy())) return;
    try {
      await client.step(endpoint);
    } catch (error) {
      if (error instanceof ConnectionCut) {
        dead = endpoint;
      } else if (error instanceof AnswerLate) {
        violations.add('liveness', 'an answer did not come to its end', `${client.name}: ${error.message}`);
      } else {
        violations.add(
          'harness',
          'a client failed',
          `${client.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
        return;
      }
    }
  }
}

async function nextEndpoint(load: Load, client: Client, dead: Endpoint | null): Promise<Endpoint | null> {
  const { stage, violations, mayBeFull } = load;
  if (dead === null) return stage.endpoint();
  // On a full disk a stream that cannot be carried on is cut, and the server lives.
  for (let waited = 0; stage.now === dead && !stage.closed; waited += 10) {
    if (mayBeFull && waited >= 100) return dead;
    if (waited >= DEATH_MS) {
      violations.add('liveness', 'a living server cut a connection', client.name);
      return dead;
    }
    await pause(10);
  }
  return stage.endpoint(dead);
}
