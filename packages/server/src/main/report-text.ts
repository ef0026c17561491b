/** Reports as tables for people. */
import type { Carried, LeftOut, LockInReport, StatefulnessReport, VisibilityReport } from '@perdure/protocol';
import { table } from './cli/table.ts';
import { BUILT_IN } from './evidence/substance.ts';
import { dollars, number } from './whatif/text.ts';

/** Hundredths of a percent as a percentage. */
function percent(points: number | null): string {
  return points === null ? '-' : `${Math.floor(points / 100)}.${String(points % 100).padStart(2, '0')}%`;
}

export function statefulnessText(found: StatefulnessReport): string {
  const { share, carried_in_name_only: carried } = found;
  const rated = found.money === 'revenue';
  const money = rated ? 'REVENUE' : 'COST';
  const moneyOf = (of: Carried): string => dollars(rated ? of.revenue_micro_usd : of.cost_micro_usd);
  const revenue = rated
    ? `${percent(share.revenue)} of the revenue (${dollars(carried.revenue_micro_usd)})`
    : 'an unknown share of the revenue: no rate card is configured';
  const products = found.products.map(one => [
    one.product,
    number(one.sessions),
    number(one.in_name_only),
    number(one.carried.calls),
    number(one.carried_in_name_only.calls),
    moneyOf(one.carried),
    moneyOf(one.carried_in_name_only),
  ]);
  const named = found.named
    .slice(0, 20)
    .map(one => [one.session, one.tenant, one.product, one.channel, String(one.use.turns), moneyOf(one.carried)]);
  return [
    `${number(found.in_name_only)} of ${number(found.sessions)} sessions were stateful in name only`,
    ...found.rules.map(ruleText),
    `they carry ${percent(share.calls)} of the calls, ${percent(share.tokens)} of the tokens, ${percent(share.cost)} of the cost (${dollars(carried.cost_micro_usd)}) and ${revenue}`,
    ...leftOutLines(found.left_out),
    '',
    table(['PRODUCT', 'SESSIONS', 'IN NAME ONLY', 'CALLS', 'IN NAME ONLY', money, 'IN NAME ONLY'], products),
    ...(named.length === 0 ? [] : [table(['SESSION', 'TENANT', 'PRODUCT', 'CHANNEL', 'TURNS', money], named)]),
  ].join('\n');
}

function ruleText({ rule, sessions, in_name_only: idle }: StatefulnessReport['rules'][number]): string {
  const how =
    rule === BUILT_IN
      ? 'the built-in rule, because no contract has a reading substance (one turn at most, nothing read back, no tool, no file)'
      : rule;
  return `  ${number(idle)} of ${number(sessions)} by ${how}`;
}

export function visibilityText({ clouds, calls, sessions, left_out: missing }: VisibilityReport): string {
  const rows = clouds.map(({ cloud, inference, state, execute, egress, products, labels }) => [
    cloud,
    number(inference.calls),
    percent(inference.share_of_calls),
    number(inference.input_tokens + inference.output_tokens),
    number(inference.sessions),
    number(state.sessions),
    percent(state.share_of_sessions),
    number(state.apart),
    number(execute.runs),
    number(egress.transfers),
    products.join(', '),
    labels.join(', ') || '-',
  ]);
  const head = [`${number(calls)} calls, ${number(sessions)} sessions with state`, ...leftOutLines(missing)];
  const columns = [
    'CLOUD',
    'CALLS',
    'SHARE',
    'TOKENS',
    'SESSIONS ASKED',
    'STATE KEPT',
    'SHARE',
    'FILES',
    'TOOLS RUN',
    'SENT THERE',
    'PRODUCTS',
    'LABELS',
  ];
  return `${head.join('\n')}\n\n${table(columns, rows)}`;
}

export function lockInText(found: LockInReport): string {
  const rows = found.products.map(one => [
    one.product,
    ...[one.calls, one.one_legal, one.one_configured, one.one_cloud, one.none_legal].map(number),
  ]);
  const clauses =
    found.clauses.length === 0
      ? ''
      : `\n${table(
          ['CLAUSE', 'CALLS LEFT WITH ONE TARGET'],
          found.clauses.map(({ clause, calls }) => [clause, number(calls)]),
        )}`;
  const monitored =
    found.monitored === 0
      ? []
      : [`${number(found.monitored)} of them were decided in monitor mode: counted as enforcing would have had them`];
  const head = [
    `the clauses left ${percent(found.share.one_legal)} of ${number(found.calls)} calls one legal target; for ${percent(found.share.one_configured)} only one is configured`,
    ...monitored,
    ...leftOutLines(found.left_out),
  ];
  return `${head.join('\n')}\n\n${table(
    ['PRODUCT', 'CALLS', 'ONE LEGAL', 'ONE CONFIGURED', 'ONE CLOUD', 'NONE'],
    rows,
  )}${clauses}`;
}

type Missing = LeftOut & Partial<StatefulnessReport['left_out']>;

function leftOutLines(missing: Missing): readonly string[] {
  const lines: readonly (readonly [count: number | undefined, what: string])[] = [
    [missing.placements_without_snapshot, 'placements, because what they were decided on is not kept any more'],
    [missing.placements_without_contracts, 'refusals before any contract was asked: the product was not configured'],
    [missing.sessions_without_log, 'sessions, because their log cannot be read'],
    [missing.sessions_without_class, 'sessions, because the reading could not be evaluated'],
  ];
  return lines.flatMap(([count = 0, what]) => (count === 0 ? [] : [`left out: ${number(count)} ${what}`]));
}
