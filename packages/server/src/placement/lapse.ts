/** Contracts that have something in their scope while none of them is in force, or soon is: what they cover is refused then. */
import { dayOf } from '../kernel/day.ts';
import type { ContractRules } from './ports.ts';

type Dated = Pick<ContractRules, 'id' | 'effective'>;
type Scoped = Dated & Pick<ContractRules, 'kind' | 'scope'>;

const DAY = 86_400_000;
/** How long before the last of them ends it is told, ms. */
export const LAPSE_NOTICE_MS: number = 30 * DAY;

/** `openai-2026-02 ended on 2026-04-27`, of each contract by its id. @param at ms since 1970, when none of them is in force */
export function lapseTexts(ids: readonly string[], contracts: readonly Dated[], at: number): readonly string[] {
  return ids.map(id => {
    const dates = contracts.filter(contract => contract.id === id).map(({ effective }) => effective);
    const ended = dates.flatMap(({ to }) => (to !== null && to <= at ? [to] : []));
    const begins = dates.flatMap(({ from }) => (from !== null && from > at ? [from] : []));
    const said = [
      ...(ended.length === 0 ? [] : [`ended on ${dayOf(Math.max(...ended))}`]),
      ...(begins.length === 0 ? [] : [`begins on ${dayOf(Math.min(...begins))}`]),
    ];
    return said.length === 0 ? id : `${id} ${said.join(' and ')}`;
  });
}

/** What is refused at a time for want of a contract in force, and what will be within the notice: one line each. @param at ms since 1970 */
export function lapseWarnings(contracts: readonly Scoped[], at: number): readonly string[] {
  const agreements = contracts.filter(({ kind }) => kind === 'agreement');
  const vendors = new Set(agreements.flatMap(({ scope }) => scope?.vendors ?? []));
  const products = new Set(agreements.flatMap(({ scope }) => scope?.products ?? []));
  const subjects = [
    ...[...vendors].map(id => ({ what: `models of ${id}`, over: ({ scope }: Scoped) => covers(scope?.vendors, id) })),
    ...[...products].map(id => ({
      what: `the product ${id}`,
      over: ({ scope }: Scoped) => covers(scope?.products, id),
    })),
  ];
  return subjects.flatMap(({ what, over }) => {
    const of = agreements.filter(over);
    const ids = [...new Set(of.map(({ id }) => id))];
    const end = endOfForce(of, at);
    if (end === at)
      return [
        `no contract on ${what} is in force, so every call is refused (no_contract_in_force): ${lapseTexts(ids, of, at).join(', ')}`,
      ];
    if (end === null || end - at > LAPSE_NOTICE_MS) return [];
    return [
      `the contracts on ${what} end on ${dayOf(end)} (${ids.join(', ')}): from then on every call is refused (no_contract_in_force)`,
    ];
  });
}

/** A contract without a scope is over everything. */
function covers(named: readonly string[] | undefined, id: string): boolean {
  return named === undefined || named.includes(id);
}

/** Until when one of them is in force after another without a gap, ms since 1970; `at` if none is, null if for ever. */
function endOfForce(contracts: readonly Dated[], at: number): number | null {
  for (let end = at; ; ) {
    const reached = end;
    const inForce = contracts.filter(
      ({ effective: { from, to } }) => (from === null || from <= reached) && (to === null || to > reached),
    );
    if (inForce.length === 0) return end;
    const ends = inForce.map(({ effective }) => effective.to);
    if (ends.includes(null)) return null;
    end = Math.max(...ends.filter(to => to !== null));
  }
}
