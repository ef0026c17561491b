/** `perdure report`: statefulness, visibility and lock-in of what was recorded, as tables or JSON. */
import type { Books } from '../money/prices.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { lockIn } from './evidence/lock-in.ts';
import { openRecorded, type RecordedData, type Window } from './evidence/recorded.ts';
import { statefulness } from './evidence/statefulness.ts';
import { visibility } from './evidence/visibility.ts';
import { booksOf } from './money/books.ts';
import { lockInText, statefulnessText, visibilityText } from './report-text.ts';

export interface ReportOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly tenant?: string;
}

export type ReportName = 'statefulness' | 'visibility' | 'lock-in';

export async function report(name: ReportName, options: ReportOptions, io: Io): Promise<ExitCode> {
  const window: Window = {
    from: momentOption(`perdure report ${name}`, '--from', options.from),
    to: momentOption(`perdure report ${name}`, '--to', options.to),
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
