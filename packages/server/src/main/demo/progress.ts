/** A word on what takes a while: on a terminal, one line, gone with the next output. */
import type { Io } from '../cli/io.ts';

export interface Progress {
  show(text: string): void;
  clear(): void;
}

const CLEAR_LINE = '\r\u001b[K';

export function makeProgress(io: Pick<Io, 'err'>, enabled: boolean): Progress {
  let shown = false;
  return {
    show(text) {
      if (!enabled) return;
      io.err(`${CLEAR_LINE}  ... ${text}`);
      shown = true;
    },
    clear() {
      if (shown) io.err(CLEAR_LINE);
      shown = false;
    },
  };
}
