/** The rows of automations in the table of routes. They come before any `/v1/agents/:id`, which would match them too. */
import type { Exchange, HttpDeps, Scope } from '../types.ts';
import * as routes from './routes.ts';

type AutomationRow = readonly [
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  scopes: readonly Scope[],
  handler: (exchange: Exchange, params: readonly string[]) => Promise<void>,
];

export function automationRoutes(
  deps: HttpDeps,
  { infer, read }: { readonly infer: readonly Scope[]; readonly read: readonly Scope[] },
): readonly AutomationRow[] {
  const all = '/v1/agents/automations';
  const one = `${all}/:id`;
  type Act = (deps: HttpDeps, exchange: Exchange, id: string) => Promise<void>;
  const at =
    (act: Act): AutomationRow[3] =>
    (exchange, [id = '']) =>
      act(deps, exchange, id);
  return [
    ['POST', all, infer, exchange => routes.createAutomation(deps, exchange)],
    ['GET', all, read, exchange => routes.listAutomations(deps, exchange)],
    ['GET', one, read, at(routes.getAutomation)],
    ['POST', one, infer, at(routes.updateAutomation)],
    ['DELETE', one, infer, at(routes.deleteAutomation)],
    ['POST', `${one}/pause`, infer, at(routes.pauseAutomation)],
    ['POST', `${one}/resume`, infer, at(routes.resumeAutomation)],
    ['POST', `${one}/invocations`, infer, at(routes.createInvocation)],
    ['GET', `${one}/invocations`, read, at(routes.listInvocations)],
    [
      'GET',
      `${one}/invocations/:invocation`,
      read,
      (exchange, [id = '', invocation = '']) => routes.getInvocation(deps, exchange, id, invocation),
    ],
  ];
}
