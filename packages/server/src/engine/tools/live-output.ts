/**
 * What a command prints, shown while it runs: durable first, then shown (L2), as events of the turn's own log, so that who comes back reads on
 * from any of them.
 *
 * V1  At most one commit at a time and one each `LIVE_MS`: what comes meanwhile goes together.
 * V2  A run shows `LIVE_CHARS` at most, and of a burst `PENDING_CHARS`. What is over is left out, and the text says so; all of it counts for the
 *     result, which has bounds of its own.
 * V3  Whoever prints never waits.
 */
import { toPerdureError } from '@perdure/protocol';
import type { EventBody } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';

/** Between two commits of one run, ms. */
export const LIVE_MS = 100;
/** Characters that one run shows while it runs. */
export const LIVE_CHARS: number = 256 * 1024;
/** Characters that wait for the next commit. */
export const PENDING_CHARS: number = 64 * 1024;

export interface LiveOutput {
  readonly show: (text: string) => void;
  /** No more is shown. @param whole what the result keeps of it all. @returns what is to be committed with the end */
  end(whole: string | null): Promise<readonly EventBody[]>;
}

export const SHOWS_NOTHING: LiveOutput = { show: () => undefined, end: () => Promise.resolve([]) };

export function liveOutput(engine: EngineContext, turn: RunningTurn, callId: string): LiveOutput {
  const gathered = new Gathered();
  let shown = '';
  let timer: NodeJS.Timeout | null = null;
  let under: Promise<void> | null = null;
  let closed = false;

  const body = (text: string): EventBody => ({ type: 'tool.output', head: { callId }, payload: { text } });
  const flush = async (): Promise<void> => {
    const text = gathered.take();
    if (text === '') return;
    const bodies = (): readonly EventBody[] => {
      const running = mustState(turn.live).turn?.tools.find(one => one.callId === callId)?.status === 'started';
      if (!running) throw new Error('the tool does not run any more');
      return [body(text)];
    };
    try {
      await engine.sessions.commit(turn.live, bodies, { actor: 'engine' });
      shown += text;
    } catch (error) {
      // Nothing more is shown; what became of the session shows elsewhere.
      closed = true;
      if (!turn.abort.signal.aborted && !turn.live.stale) engine.report('tools.output', toPerdureError(error));
    }
  };
  const plan = (): void => {
    if (closed || timer !== null || under !== null || gathered.empty) return;
    timer = setTimeout(() => {
      timer = null;
      under = flush().finally(() => {
        under = null;
        plan();
      });
    }, LIVE_MS);
  };

  return {
    show(text) {
      if (closed) return;
      gathered.add(text.replaceAll('\0', '\ufffd'));
      plan();
    },
    async end(whole) {
      const failed = closed;
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await under;
      // The end shows what is left, if what was shown is its beginning.
      if (failed || shown === '' || whole?.startsWith(shown) === true) return [];
      const rest = gathered.take();
      return rest === '' ? [] : [body(rest)];
    },
  };
}

/** Text that waits to be shown, bounded, with a note where something was left out. */
export class Gathered {
  #text = '';
  #taken = 0;
  #left = 0;
  #over = false;

  get empty(): boolean {
    return this.#text === '' && this.#left === 0;
  }

  add(text: string): void {
    if (this.#over) return;
    const room = Math.max(0, PENDING_CHARS - this.#text.length);
    // After something was left out nothing follows it in the same breath.
    const kept = this.#left > 0 ? '' : whole(text.slice(0, room));
    this.#text += kept;
    this.#left += text.length - kept.length;
  }

  take(): string {
    if (this.#over) return '';
    const [text, left] = [this.#text, this.#left];
    this.#text = '';
    this.#left = 0;
    const room = LIVE_CHARS - this.#taken;
    this.#taken += text.length;
    if (text.length > room) {
      this.#over = true;
      return `${whole(text.slice(0, room))}\n[... it prints on; no more of it is shown while it runs ...]\n`;
    }
    return left === 0 ? text : `${text}\n[... ${left} characters left out ...]\n`;
  }
}

/** Without the half of a surrogate pair at its end. */
function whole(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}
