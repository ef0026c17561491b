/** Figures of a sample, and how they are shown. */
export interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

export function figures(sample: readonly number[]): Figures {
  const sorted = sample.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), count: sorted.length };
}

export function median(sample: readonly number[]): number {
  return figures(sample).p50;
}

/** One row of the report: what, the goal, what came out, and whether it meets the goal (1 = exactly at it; below is better). */
export interface Row {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  /** Measured over goal. */
  readonly ratio: number;
}

/** A goal missed by at most this factor is close enough to go on with, if a profile shows what is in the way. */
export const TOLERANCE = 1.25;

export function verdict(ratio: number): string {
  if (ratio <= 1) return 'met';
  return ratio <= TOLERANCE ? 'missed by at most 25%' : 'MISSED';
}

export function table(rows: readonly Row[]): string {
  const cells = [
    ['WHAT', 'GOAL', 'MEASURED', 'RATIO', ''],
    ...rows.map(row => [row.what, row.goal, row.measured, row.ratio.toFixed(2), verdict(row.ratio)]),
  ];
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...cells.map(row => row[column]?.length ?? 0)));
  return cells
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
