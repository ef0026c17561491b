/** Two sides as bars, in SVG: no script, no font, no colour that only the screen knows. Numbers come as text beside each bar. */
import { escapeHtml } from './markup.ts';

export interface Bars {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly sides: readonly [string, string];
  readonly rows: readonly {
    readonly label: string;
    readonly values: readonly [bigint, bigint];
    readonly shown: readonly [string, string];
  }[];
}

/** Narrow enough to be read on a phone: names stand above their bars. */
const WIDTH = 460;
const NUMBERS = 160;
const BAR = 15;
const NAME = 20;
const ROW = NAME + 2 * BAR + 16;
const STEPS = 10_000n;

/** The bars of a row are as long as their values are to the greatest of all; one that is not zero is never invisible. */
export function barChart({ id, title, sides, rows }: Bars): string {
  const most = rows.flatMap(row => row.values).reduce((a, b) => (b > a ? b : a), 0n);
  const room = WIDTH - NUMBERS;
  const widthOf = (value: bigint): number => {
    if (most === 0n || value <= 0n) return 0;
    return Math.max(2, Number(((value * STEPS) / most) * BigInt(room)) / Number(STEPS));
  };
  const height = rows.length * ROW;
  const bars = rows.map((row, i) => {
    const top = i * ROW;
    const bar = (side: 0 | 1): string => {
      const y = top + NAME + side * (BAR + 2);
      const width = widthOf(row.values[side]);
      const name = side === 0 ? 'recorded' : 'supposed';
      return `<rect class="${name}" x="0" y="${y}" width="${width}" height="${BAR}"/><text class="value" x="${width + 6}" y="${y + 12}">${escapeHtml(row.shown[side])}</text>`;
    };
    return `<text class="name" x="0" y="${top + 14}">${escapeHtml(row.label)}</text>${bar(0)}${bar(1)}`;
  });
  const told = rows.map(row => `${row.label}: ${row.shown[0]} ${sides[0]}, ${row.shown[1]} supposed`).join('; ');
  return `<svg role="img" aria-labelledby="${id}-t ${id}-d" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"><title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(told)}</desc>${bars.join('')}</svg>`;
}
