/**
 * Tiles of C2SP tlog-tiles (c2sp.org/tlog-tiles): 256 neighbouring hashes of every eighth level of the tree. Level 0 holds leaf hashes; a
 * hash of level L+1 is the root of a full tile of level L. `entries` are the leaves themselves, 256 a bundle.
 */
export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;
/** A tree of 2^53 leaves, the most that a safe integer counts, has seven. */
export const MAX_LEVELS = 7;

export interface Tile {
  readonly level: number | 'entries';
  /** From 0, within its level. */
  readonly index: number;
  /** 1 to 256; less than 256 at the right edge of the tree only. */
  readonly width: number;
}

/** How many hashes of tile `index` there are in a tree of `size` leaves: 0 to 256. */
export function widthAt(size: number, level: Tile['level'], index: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

export function tilePath({ level, index, width }: Tile): string {
  let digits = String(index);
  digits = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|[0-9]|[1-5][0-9]|6[0-3])\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** Null unless it is exactly what `tilePath` writes. */
export function parseTilePath(path: string): Tile | null {
  const [, level, digits, width] = PATH.exec(path) ?? [];
  if (level === undefined || digits === undefined) return null;
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  return Number.isSafeInteger(tile.index) && tilePath(tile) === path ? tile : null;
}

/** The tiles that are not full in a tree of `size` leaves, bundle of entries included. */
export function partialTiles(size: number): readonly Tile[] {
  const tiles: Tile[] = [];
  for (const level of ['entries', 0, 1, 2, 3, 4, 5, 6] as const) {
    const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
    const width = hashes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: (hashes - width) / TILE_WIDTH, width });
  }
  return tiles;
}
