/** The routes about what is decided of contracts, closed months, legal holds, and the audit of all that. */
import type { Row } from '../app.ts';
import type { HttpDeps, Scope } from '../types.ts';
import * as closes from './close-routes.ts';
import * as govern from './govern-routes.ts';
import * as holds from './hold-routes.ts';

export function governRoutes(deps: HttpDeps): readonly Row[] {
  const governs: readonly Scope[] = ['operator'];
  const governed: readonly Scope[] = ['operator', 'auditor'];
  const at = (params: readonly string[], index: number): string => params[index] ?? '';
  return [
    ['GET', '/perdure/v1/contracts/activations', governed, exchange => govern.listActivations(deps, exchange)],
    ['POST', '/perdure/v1/contracts/activations', governs, exchange => govern.createActivation(deps, exchange)],
    [
      'POST',
      '/perdure/v1/contracts/activations/:id/approve',
      governs,
      (exchange, params) => govern.approveActivation(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/perdure/v1/contracts/activations/:id/reject',
      governs,
      (exchange, params) => govern.rejectActivation(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/perdure/v1/contracts/activations/:id/withdraw',
      governs,
      (exchange, params) => govern.withdrawActivation(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/contracts/settings', governed, exchange => govern.listSettings(deps, exchange)],
    ...(['approve', 'reject'] as const).map(
      (how): Row => [
        'POST',
        `/perdure/v1/contracts/settings/:id/${how}`,
        governs,
        (exchange, params) => govern.decideSettings(deps, exchange, at(params, 0), how),
      ],
    ),
    ['GET', '/perdure/v1/contracts/stranded', governed, exchange => govern.listStranded(deps, exchange)],
    ['GET', '/perdure/v1/contracts', governed, exchange => govern.listContracts(deps, exchange)],
    // Behind all that have a word in its place: the first that fits is served.
    [
      'GET',
      '/perdure/v1/contracts/:digest',
      governed,
      (exchange, params) => govern.getContract(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/waivers', governed, exchange => govern.listWaivers(deps, exchange)],
    ['POST', '/perdure/v1/waivers', governs, exchange => govern.grantWaiver(deps, exchange)],
    ...(['approve', 'reject', 'revoke'] as const).map(
      (how): Row => [
        'POST',
        `/perdure/v1/waivers/:id/${how}`,
        governs,
        (exchange, params) => govern.decideWaiver(deps, exchange, at(params, 0), how),
      ],
    ),
    ['GET', '/perdure/v1/events', governed, exchange => govern.listEvents(deps, exchange)],
    ['POST', '/perdure/v1/events', governs, exchange => govern.recordEvent(deps, exchange)],
    ...(['approve', 'reject', 'retract'] as const).map(
      (how): Row => [
        'POST',
        `/perdure/v1/events/:id/${how}`,
        governs,
        (exchange, params) => govern.decideEvent(deps, exchange, at(params, 0), how),
      ],
    ),
    ['GET', '/perdure/v1/rights', governed, exchange => govern.listRights(deps, exchange)],
    ...(['offer', 'accept', 'decline'] as const).map(
      (move): Row => [
        'POST',
        `/perdure/v1/rights/:id/${move}`,
        governs,
        (exchange, params) => govern.moveRight(deps, exchange, at(params, 0), move),
      ],
    ),
    ...(['approve', 'reject', 'retract'] as const).map(
      (how): Row => [
        'POST',
        `/perdure/v1/rights/:id/${how}`,
        governs,
        (exchange, params) => govern.decideRight(deps, exchange, at(params, 0), how),
      ],
    ),
    ['GET', '/perdure/v1/usage/closes', governed, exchange => closes.listCloses(deps, exchange)],
    ['POST', '/perdure/v1/usage/closes', governs, exchange => closes.closeMonth(deps, exchange)],
    [
      'POST',
      '/perdure/v1/usage/closes/:id/restate',
      governs,
      (exchange, params) => closes.restateMonth(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/holds', governed, exchange => holds.listHolds(deps, exchange)],
    ['POST', '/perdure/v1/holds', governs, exchange => holds.placeHold(deps, exchange)],
    [
      'GET',
      '/perdure/v1/holds/:id/kept',
      governed,
      (exchange, params) => holds.listKept(deps, exchange, at(params, 0)),
    ],
    [
      'POST',
      '/perdure/v1/holds/:id/lift',
      governs,
      (exchange, params) => holds.liftHold(deps, exchange, at(params, 0)),
    ],
    ['GET', '/perdure/v1/audit', governed, exchange => govern.listAudit(deps, exchange)],
  ];
}
