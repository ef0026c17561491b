import type { IncomingMessage } from 'node:http';
import { readCompletion } from './completion.ts';
import { type Ending, sendBody, sendStream } from './delivery.ts';
import type { Exchange } from './exchange.ts';
import { RequestRefused } from './failure.ts';
import type { FaultRules } from './fault-rules.ts';
import { behaviourOf, describeFault, type Fault } from './faults.ts';
import type { RequestIdentity } from './identity.ts';
import { parseBody } from './request-body.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';
import { statusFailure, unauthorised } from './status-failure.ts';

/** What the requests of one emulator share. No answer depends on any of it but for faults and ids. */
export interface Service {
  readonly clouds: ReadonlySet<string>;
  readonly apiKeys: readonly string[];
  readonly defaults: readonly Fault[];
  readonly seed: string;
  readonly rules: FaultRules;
  readonly log: RequestLog;
  readonly now: () => number;
  requests: number;
}

/** Lets in a bearer token or, as Azure takes it, an `api-key` header; everybody if no key is configured. */
export function authorise(request: IncomingMessage, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const given = bearer ?? request.headers['api-key'];
  if (typeof given !== 'string') throw unauthorised('You did not provide an API key (emulated).', null);
  if (!keys.includes(given)) throw unauthorised('Incorrect API key provided (emulated).', 'invalid_api_key');
}

const countItems = (value: unknown): number =>
  Array.isArray(value) ? value.length : typeof value === 'string' ? 1 : 0;

/** Answers one model request. Throws `RequestRefused` before anything is sent. */
export async function serveCompletion(
  service: Service,
  dialect: 'responses' | 'chat',
  request: { readonly body: Buffer; readonly contentType: string | undefined; readonly identity: RequestIdentity },
  logged: LoggedRequest,
  exchange: Exchange,
): Promise<Ending> {
  const { body, contentType, identity } = request;
  const fields = parseBody(body, contentType);
  logged.model = typeof fields['model'] === 'string' ? fields['model'] : null;
  logged.stream = fields['stream'] === true;
  logged.items = countItems(fields['input'] ?? fields['messages']);
  const completion = readCompletion(dialect, logged.cloud, fields);
  const ruled = service.rules.take(logged.cloud, completion.model, () => body.toString('utf8'));
  const faults = [...service.defaults, ...ruled, ...completion.prompt.directives.faults];
  logged.faults = faults.map(describeFault);

  const behaviour = behaviourOf(faults);
  const fault = behaviour.break;
  if (behaviour.slowHeadersMs > 0) await exchange.sleep(behaviour.slowHeadersMs);
  if (fault?.kind === 'status') throw new RequestRefused(statusFailure(fault));
  if (fault?.kind === 'hang' && fault.after === null) {
    await exchange.untilGone();
    return 'hung';
  }
  if (exchange.gone) return 'client-left';
  if (completion.stream) return sendStream(exchange, completion.reply(identity), behaviour);
  if (fault?.kind === 'error-event')
    throw new RequestRefused(statusFailure({ kind: 'status', status: 500, retryAfter: null }));
  return sendBody(exchange, completion.reply(identity), behaviour);
}
