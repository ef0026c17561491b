/** `perdure whatif`: from flags to a run, and its report as text, JSON, CSV or HTML. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { eventOption } from './cli/event.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { configured } from './configured.ts';
import { contractFolder } from './contracts.ts';
import { configWith } from './discover.ts';
import { openRecorded } from './evidence/recorded.ts';
import { booksOfMonths } from './money/books.ts';
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
  readonly csv?: string;
  readonly moneyCsv?: string;
  readonly jsonl?: string;
  readonly html?: string;
}

/** ms between two lines of progress. */
const SAY_EVERY_MS = 1000;

export async function whatIf(options: WhatIfOptions, io: Io): Promise<ExitCode> {
  const suppose = supposeFrom(options, io);
  const window = {
    from: momentOption('perdure whatif', '--from', options.from),
    to: momentOption('perdure whatif', '--to', options.to),
    tenant: options.tenant ?? null,
  };
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const data = options.url === undefined ? await openRecorded(config) : replayOverHttp(options.url, config, io);
  try {
    const suppositions = makeSuppositions(suppose, version => data.document(version), booksOfMonths(config));
    const state = options.state === undefined ? null : resolve(io.cwd, options.state);
    const totals = await runWhatIf({ data, suppositions, suppose, window, state, progress: progressTo(io) });
    const report = reportOf(totals, suppose);
    if (options.csv !== undefined) writeFileSync(resolve(io.cwd, options.csv), reportCsv(report));
    if (options.moneyCsv !== undefined) writeFileSync(resolve(io.cwd, options.moneyCsv), moneyCsv(report));
    if (options.jsonl !== undefined) writeFileSync(resolve(io.cwd, options.jsonl), reportLines(report));
    if (options.html !== undefined) writeFileSync(resolve(io.cwd, options.html), reportHtml(report));
    if (options.json === true) printJson(io, report);
    else io.out(reportText(report));
    return EXIT.ok;
  } finally {
    await data.close();
  }
}

function supposeFrom(options: WhatIfOptions, io: Io): Suppose {
  const { contracts, reading, event } = options;
  const sets = contracts?.flatMap(list => list.split(',')).filter(set => set !== '');
  if (sets === undefined && reading === undefined && event === undefined)
    throw new CliError(EXIT.usage, 'perdure whatif: nothing is supposed: name --contracts, --reading or --event');
  return {
    contracts: sets?.map(set => contractFolder(set, io.cwd)) ?? null,
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
