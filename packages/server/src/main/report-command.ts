/** `perdure report`: statefulness, visibility and lock-in of what was recorded, as tables or JSON. */
import type { ReportQuery } from '@perdure/protocol';
import type { BooksAt } from '../money/closing.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { windowOptions } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { mustKnow } from './evidence/known-tenant.ts';
import { lockIn } from './evidence/lock-in.ts';
import { openRecorded, type RecordedData, type Window } from './evidence/recorded.ts';
import { statefulness } from './evidence/statefulness.ts';
import { visibility } from './evidence/visibility.ts';
import { booksOfMonths } from './money/books.ts';
import { replayedServer } from './server-address.ts';
import { serverOf } from './server-requests.ts';
import { lockInText, statefulnessText, visibilityText } from './report-text.ts';

export interface ReportOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly tenant?: string;
  /** Of a running server; absent: the data folder is read. */
  readonly url?: string;
}

export type ReportName = 'statefulness' | 'visibility' | 'lock-in';

export async function report(name: ReportName, options: ReportOptions, io: Io): Promise<ExitCode> {
  const window: Window = {
    ...windowOptions(`perdure report ${name}`, options, Date.now()),
    tenant: options.tenant ?? null,
  };
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const url = replayedServer(options, config, io);
  if (url !== null) return tell(await overHttp(name, url, options, config, io), options, io);
  const data = await openRecorded(config);
  try {
    await mustKnow(`perdure report ${name}`, data, window.tenant);
    return tell(await REPORTS[name](data, window, booksOfMonths(config)), options, io);
  } finally {
    await data.close();
  }
}

function tell({ value, text }: Made, { json }: ReportOptions, io: Io): ExitCode {
  if (json === true) printJson(io, value);
  else io.out(text);
  return EXIT.ok;
}

/** A report over HTTP reads much: ms. */
const REPORT_MS = 120_000;

async function overHttp(
  name: ReportName,
  url: string,
  { from, to, tenant }: ReportOptions,
  config: Config,
  io: Io,
): Promise<Made> {
  const asking = { base: url, data: config.data, scope: 'auditor or operator', held: false, timeoutMs: REPORT_MS };
  const { client, telling } = serverOf(io, asking);
  const hasTenant = async (asked: string): Promise<boolean> => {
    const { data, next } = await telling(client.placements.list({ tenant: asked, limit: 1 }));
    return data.length > 0 || next !== null;
  };
  await mustKnow(`perdure report ${name}`, { hasTenant }, tenant ?? null);
  const query: ReportQuery = {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(tenant !== undefined && { tenant }),
  };
  switch (name) {
    case 'statefulness': {
      const value = await telling(client.reports.statefulness(query));
      return { value, text: statefulnessText(value) };
    }
    case 'visibility': {
      const value = await telling(client.reports.visibility(query));
      return { value, text: visibilityText(value) };
    }
    case 'lock-in': {
      const value = await telling(client.reports.lockIn(query));
      return { value, text: lockInText(value) };
    }
  }
}

interface Made {
  readonly value: object;
  readonly text: string;
}

const REPORTS: { readonly [N in ReportName]: (data: RecordedData, window: Window, books: BooksAt) => Promise<Made> } = {
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
