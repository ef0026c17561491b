/** CSV as RFC 4180 has it. Text that a spreadsheet would take for a formula is made plain with an apostrophe; numbers stay numbers. */
import Papa from 'papaparse';
import type { Cell, Column, FocusRow } from '../../money/focus/columns.ts';

/** Begins as a formula does, and is no number. */
const FORMULA = /^(?!-?\d+(\.\d+)?$)[=+\-@\t\r]/;

export function csvLine(cells: readonly Cell[]): string {
  return `${Papa.unparse([cells.map(cell => cell ?? '')], { newline: '\r\n', escapeFormulae: FORMULA })}\r\n`;
}

export function csvHeader(columns: readonly Column[]): string {
  return csvLine(columns.map(({ name }) => name));
}

export function csvRow(row: FocusRow, columns: readonly Column[]): string {
  return csvLine(columns.map(({ name }) => row[name] ?? null));
}

/** A line of JSON: decimals are numbers, digit by digit; objects are objects. */
export function jsonRow(row: FocusRow, columns: readonly Column[]): string {
  const fields = columns.map(({ name, type }) => {
    const cell = row[name] ?? null;
    const value = cell === null ? 'null' : type === 'string' || type === 'datetime' ? JSON.stringify(cell) : cell;
    return `${JSON.stringify(name)}:${value}`;
  });
  return `{${fields.join(',')}}\n`;
}

/** The rows of a CSV text with a header, by its names. Null if it is none. */
export function parseCsv(text: string): readonly { readonly [name: string]: string }[] | null {
  const parsed = Papa.parse<{ [name: string]: string }>(text, { header: true, skipEmptyLines: true });
  return parsed.errors.some(({ type }) => type !== 'Delimiter') ? null : parsed.data;
}
