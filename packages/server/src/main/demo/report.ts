/** How the story looks in a terminal: aligned, no wider than 120 columns, colour on a terminal only. */
import type { Cite, ClaimResult } from './claims.ts';

export const WIDTH = 120;
/** Columns of a claim's line: what, where, why; the rest is free. */
const COLUMNS = [13, 15, 45] as const;
const INDENT = 4;

/** The text of a claim in columns. A cell that is too long pushes the next one. */
export function row(...cells: readonly string[]): string {
  return columns(cells, COLUMNS);
}

export function columns(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, at) => (at === cells.length - 1 ? cell : `${cell.padEnd((widths[at] ?? 0) - 2)}  `))
    .join('')
    .trimEnd();
}

/** Breaks at blanks; the lines after the first begin under `indent`. Runs of blanks inside are kept. */
export function wrap(text: string, indent: number, width: number = WIDTH): string {
  const lines: string[] = [];
  let rest = text;
  for (let room = width; rest.length > room; room = width - indent) {
    const at = rest.lastIndexOf(' ', room);
    if (at <= 0) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at + 1).trimStart();
  }
  return [...lines, rest].join(`\n${' '.repeat(indent)}`);
}

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

export function styleFor(colour: boolean): Style {
  const sgr = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: sgr(1), dim: sgr(2), good: sgr(32), bad: sgr(31) };
}

/** A claim that holds has a check mark; one that does not says why. */
export function claimLine({ ok, text, wrong, id }: ClaimResult, style: Style): string {
  const mark = ok ? style.good('✓') : style.bad('✗');
  const body = wrap(`  . ${text}`, INDENT).slice(INDENT);
  const why = wrong.map(one => `\n    ${style.bad(wrap(`    ${id}: ${one}`, INDENT + 2).slice(INDENT))}`);
  return `  ${mark} ${body}${why.join('')}\n`;
}

export function clauseList(cites: readonly Cite[], style: Style): string {
  const widest = Math.max(0, ...cites.map(({ id }) => id.length));
  const sorted = cites.toSorted((a, b) => (a.contract + a.id < b.contract + b.id ? -1 : 1));
  return sorted
    .map(({ id, contract, cite }) => {
      const name = id.padEnd(widest);
      const text = wrap(`  ${name}  ${cite} [${contract}]`, widest + 4);
      return `  ${style.bold(name)}${text.slice(2 + name.length)}\n`;
    })
    .join('');
}
