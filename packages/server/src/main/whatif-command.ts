/** `perdure whatif`: from flags to a run, and its report as text, JSON, CSV or HTML. */
import { writeFileSync } from 'node:fs';
import { eventOption } from './cli/event.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { contractsOption } from './contracts-option.ts';
import { windowOptions } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { writablePaths } from './cli/writable.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { replayedServer } from './server-address.ts';
import { mustKnow } from './evidence/known-tenant.ts';
import { openRecorded } from './evidence/recorded.ts';
import { booksOf } from './money/books.ts';
import { closedMonths } from './money/closes.ts';
import { reportHtml } from './whatif/html.ts';
import { reportOf } from './whatif/report.ts';
import { replayOverHttp } from './whatif/over-http.ts';
import { type Progress, runWhatIf } from './whatif/run.ts';
import { makeSuppositions, type Suppose } from './whatif/suppose.ts';
import { moneyCsv, number, reportCsv, reportLines, reportText } from './whatif/text.ts';

export interface WhatIfOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly tenant?: string;
  readonly contracts?: readonly string[];
  readonly reading?: string;
  readonly event?: readonly string[];
  readonly state?: string;
  readonly url?: string;
  readonly placements?: string;
  readonly csv?: string;
  readonly moneyCsv?: string;
  readonly jsonl?: string;
  readonly html?: string;
}

/** ms between two lines of progress. */
const SAY_EVERY_MS = 1000;

export async function whatIf(options: WhatIfOptions, io: Io): Promise<ExitCode> {
  const suppose = supposeFrom(options, io);
  const window = { ...windowOptions('perdure whatif', options, Date.now()), tenant: options.tenant ?? null };
  const files = writablePaths('perdure whatif', io.cwd, {
    '--state': options.state,
    '--placements': options.placements,
    '--csv': options.csv,
    '--money-csv': options.moneyCsv,
    '--jsonl': options.jsonl,
    '--html': options.html,
  });
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const url = replayedServer(options, config, io);
  const data = url === null ? await openRecorded(config) : replayOverHttp(url, config, io);
  try {
    await mustKnow('perdure whatif', data, window.tenant);
    const suppositions = makeSuppositions(
      suppose,
      version => data.document(version),
      booksOf(config),
      closedMonths(config.data),
    );
    const [state, placements] = [files['--state'], files['--placements']];
    const totals = await runWhatIf({
      data,
      suppositions,
      suppose,
      window,
      state,
      placements,
      progress: progressTo(io),
    });
    const report = reportOf(totals, suppose);
    for (const [option, exported] of EXPORTS) {
      const file = files[option];
      if (file !== null) writeFileSync(file, exported(report));
    }
    if (options.json === true) printJson(io, report);
    else io.out(reportText(report));
    return EXIT.ok;
  } finally {
    await data.close();
  }
}

const EXPORTS = [
  ['--csv', reportCsv],
  ['--money-csv', moneyCsv],
  ['--jsonl', reportLines],
  ['--html', reportHtml],
] as const;

/** A slip in a name shall not look like a tenant to whom nothing would happen. */
function supposeFrom(options: WhatIfOptions, io: Io): Suppose {
  const { contracts, reading, event } = options;
  if (contracts === undefined && reading === undefined && event === undefined)
    throw new CliError(EXIT.usage, 'perdure whatif: nothing is supposed: name --contracts, --reading or --event');
  return {
    contracts: contractsOption('perdure whatif', contracts, io.cwd),
    reading: reading ?? null,
    events: event?.map(text => eventOption('perdure whatif', text)) ?? [],
  };
}

function progressTo(io: Io): (progress: Progress) => void {
  const began = performance.now();
  let said = began;
  return ({ done, total }) => {
    const now = performance.now();
    if (now - said < SAY_EVERY_MS) return;
    said = now;
    const rate = Math.round((done / (now - began)) * 1000);
    const of = total === null ? '' : ` of at most ${number(total)}`;
    io.err(`${number(done)}${of} placements, ${number(rate)}/s\n`);
  };
}
