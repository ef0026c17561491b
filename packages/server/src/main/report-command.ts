/** `perdure report`: statefulness, visibility and lock-in of what was recorded, as tables or JSON. */
import type { Books } from '../money/prices.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { windowOptions } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { openRecorded, type RecordedData, type Window } from './evidence/recorded.ts';
import {
  type Carried,
  type LockInReport,
  lockIn,
  type StatefulnessReport,
  statefulness,
  type VisibilityReport,
  visibility,
} from './evidence/reports.ts';
import { booksOf } from './money/books.ts';
import { dollars, number } from './whatif/text.ts';

export interface ReportOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly tenant?: string;
}

export type ReportName = 'statefulness' | 'visibility' | 'lock-in';

export async function report(name: ReportName, options: ReportOptions, io: Io): Promise<ExitCode> {
  const window: Window = {
    ...windowOptions(`perdure report ${name}`, options, Date.now()),
    tenant: options.tenant ?? null,
  };
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const data = await openRecorded(config);
  try {
    const { value, text } = await REPORTS[name](data, window, booksOf(config));
    if (options.json === true) printJson(io, value);
    else io.out(text);
    return EXIT.ok;
  } finally {
    await data.close();
  }
}

interface Made {
  readonly value: object;
  readonly text: string;
}

const REPORTS: { readonly [N in ReportName]: (data: RecordedData, window: Window, books: Books) => Promise<Made> } = {
  async statefulness(data, window, books) {
    const value = await statefulness(data, window, books);
    return { value, text: statefulnessText(value) };
  },
  async visibility(data, window, books) {
    const value = await visibility(data, window, books);
    return { value, text: visibilityText(value) };
  },
  async 'lock-in'(data, window, books) {
    const value = await lockIn(data, window, books);
    return { value, text: lockInText(value) };
  },
};

/** Hundredths of a percent as a percentage. */
function percent(points: number | null): string {
  return points === null ? '-' : `${Math.floor(points / 100)}.${String(points % 100).padStart(2, '0')}%`;
}

function statefulnessText(found: StatefulnessReport): string {
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
    `${number(found.in_name_only)} of ${number(found.sessions)} sessions were stateful in name only: one turn at most, nothing read back, no tool, no file`,
    `they carry ${percent(share.calls)} of the calls, ${percent(share.tokens)} of the tokens, ${percent(share.cost)} of the cost (${dollars(carried.cost_micro_usd)}) and ${revenue}`,
    '',
    table(['PRODUCT', 'SESSIONS', 'IN NAME ONLY', 'CALLS', 'IN NAME ONLY', money, 'IN NAME ONLY'], products),
    ...(named.length === 0 ? [] : [table(['SESSION', 'TENANT', 'PRODUCT', 'CHANNEL', 'TURNS', money], named)]),
  ].join('\n');
}

function visibilityText({ clouds, calls, sessions }: VisibilityReport): string {
  const rows = clouds.map(({ cloud, inference, state, products, labels }) => [
    cloud,
    number(inference.calls),
    percent(inference.share_of_calls),
    number(inference.input_tokens + inference.output_tokens),
    number(inference.sessions),
    number(state.sessions),
    percent(state.share_of_sessions),
    products.join(', '),
    labels.join(', ') || '-',
  ]);
  return `${number(calls)} calls, ${number(sessions)} sessions with state\n\n${table(
    ['CLOUD', 'CALLS', 'SHARE', 'TOKENS', 'SESSIONS ASKED', 'STATE KEPT', 'SHARE', 'PRODUCTS', 'LABELS'],
    rows,
  )}`;
}

function lockInText(found: LockInReport): string {
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
  return `${percent(found.share)} of ${number(found.calls)} calls had one legal target only\n\n${table(
    ['PRODUCT', 'CALLS', 'ONE LEGAL', 'ONE CONFIGURED', 'ONE CLOUD', 'NONE'],
    rows,
  )}${clauses}`;
}
