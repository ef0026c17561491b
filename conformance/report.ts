/** A run as text for people, as JSON for programs, and as a page. */
import type { Check, Verdict } from './check.ts';
import { groupOf, type Report, type Result } from './run.ts';

const MARKS: { readonly [verdict in Verdict]: string } = {
  pass: 'ok',
  fail: 'FAIL',
  skipped: 'skip',
  'not offered': 'none',
};
const COLOURS: { readonly [verdict in Verdict]: number } = { pass: 32, fail: 31, skipped: 33, 'not offered': 36 };
const WIDTH = 30;

const cut = (text: string, length: number): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 3)}...` : line;
};

/** A row of the table. What failed is told in whole, with what was asked and why. */
export function asLine(result: Result, colour: boolean): string {
  const { id, verdict, seen, ms, asks, why } = result;
  const mark = MARKS[verdict].padEnd(4);
  const painted = colour ? `\u001B[${COLOURS[verdict]}m${mark}\u001B[0m` : mark;
  const row = `${painted}  ${id.padEnd(WIDTH)}  ${`${ms} ms`.padStart(8)}  `;
  if (verdict !== 'fail') return `${row}${cut(seen, 90)}\n`;
  return `${row}${asks}\n${' '.repeat(6)}seen:  ${cut(seen, 600)}\n${' '.repeat(6)}why:   ${why}\n`;
}

/** The last lines: counts by group, and all together. */
export function asSummary({ results, counts, ms, baseUrl, model, emulator }: Report): string {
  const groups = Map.groupBy(results, result => result.group);
  const header = ['group', 'pass', 'fail', 'skipped', 'not offered'] as const;
  const rows = [...groups].map(([group, of]) => [
    group,
    ...(['pass', 'fail', 'skipped', 'not offered'] as const).map(verdict =>
      String(of.filter(one => one.verdict === verdict).length),
    ),
  ]);
  const all = [[...header], ...rows];
  const widths = header.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  const lines = all.map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const seconds = (ms / 1000).toFixed(1);
  return `\n${lines.join('\n')}\n\n${baseUrl}, model ${model}${emulator ? ' (emulated)' : ''}: ${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped, ${counts['not offered']} not offered, in ${seconds} s\n`;
}

/** What the report file holds. The fields are part of the interface. */
export function asJson(report: Report): string {
  return `${JSON.stringify({ suite: 'perdure-conformance', schema: 'open-responses-2026-04-24', ...report }, null, 2)}\n`;
}

export function asList(checks: readonly Check[]): string {
  return [...Map.groupBy(checks, check => groupOf(check.id))]
    .map(([group, of]) => `${group}\n${of.map(row).join('')}`)
    .join('\n');
}

const row = ({ id, asks, why, needs }: Check): string =>
  `  ${id.padEnd(WIDTH)}  ${asks}\n  ${' '.repeat(WIDTH)}  ${why}${needs === undefined ? '' : ` Needs: ${needs.join(', ')}.`}\n`;

export function asHtml(report: Report): string {
  const { results, counts, baseUrl, model } = report;
  const title = `Responses API conformance: ${baseUrl}`;
  const rows = results.map(
    ({ id, verdict, asks, why, seen, ms }) =>
      `<tr class="${verdict.replace(' ', '-')}"><td>${MARKS[verdict]}</td><td><code>${escaped(id)}</code></td><td>${escaped(asks)}<br><small>${escaped(why)}</small></td><td>${escaped(cut(seen, 600))}</td><td>${ms}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1d1d1f; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
small { color: #666 } .fail td:first-child { color: #b00020; font-weight: bold } .pass td:first-child { color: #0a7d32 }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161618 } td, th { border-color: #333 } small { color: #aaa } }
</style></head><body>
<h1>${escaped(title)}</h1>
<p>Model ${escaped(model)}: ${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped, ${counts['not offered']} not offered.</p>
<table><thead><tr><th></th><th>check</th><th>asks</th><th>seen</th><th>ms</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
