/** A provider's bill, as CSV or JSON lines. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseUnits } from '../../money/amounts.ts';
import type { BillLine } from '../../money/reconcile.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import { parseCsv } from './csv.ts';

/** @throws CliError naming the line that is not as documented */
export function readBill(file: string, cwd: string): readonly BillLine[] {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new CliError(EXIT.usage, `cannot read ${file}`, { cause });
  }
  return parseBill(text, file);
}

export function parseBill(text: string, file: string): readonly BillLine[] {
  const csv = !text.trimStart().startsWith('{');
  const rows = csv ? csvRows(text, file) : jsonRows(text, file);
  return rows.map((row, i) => lineOf(row, `${file}:${i + (csv ? 2 : 1)}`));
}

type Row = { readonly [name: string]: unknown };

function csvRows(text: string, file: string): readonly Row[] {
  return parseCsv(text.replace(/^\uFEFF/, '')) ?? usage(`${file} is no CSV with a header`);
}

function jsonRows(text: string, file: string): readonly Row[] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map((line, i) => {
      try {
        return JSON.parse(line) as Row;
      } catch {
        return usage(`${file}:${i + 1} is no JSON`);
      }
    });
}

function lineOf(row: Row, where: string): BillLine {
  const text = (name: string): string => {
    const value = row[name];
    return typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  };
  const id = text('request_id');
  if (id === '') usage(`${where} has no request_id`);
  const amount = parseUnits(text('amount_usd'));
  if (amount === null) return usage(`${where}: amount_usd must be a decimal number, without exponent`);
  const count = (name: string): number | null => {
    const written = text(name);
    if (written === '') return null;
    return /^\d{1,15}$/.test(written) ? Number(written) : usage(`${where}: ${name} must be a whole number`);
  };
  return { id, amount, inputTokens: count('input_tokens'), outputTokens: count('output_tokens') };
}

function usage(message: string): never {
  throw new CliError(EXIT.usage, `perdure usage reconcile: ${message}`);
}
