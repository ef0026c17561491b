/**
 * Frames to one client. Who writes waits while the socket takes no more, so that nothing piles up here: a stateless call pauses its
 * upstream, a stored turn runs on without its reader. A client that takes nothing for `patienceMs` is cut.
 */
import { perdureError } from '@perdure/protocol';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

export class FrameWriter {
  readonly #ws: WebSocket;
  readonly #raw: Duplex;
  readonly #patienceMs: number;
  #room: Promise<void> | null = null;

  constructor(ws: WebSocket, raw: Duplex, patienceMs: number) {
    this.#ws = ws;
    this.#raw = raw;
    this.#patienceMs = patienceMs;
  }

  get open(): boolean {
    return this.#ws.readyState === this.#ws.OPEN && !this.#raw.destroyed;
  }

  /** Whether the socket takes no more for now. */
  get full(): boolean {
    return this.#raw.writableNeedDrain;
  }

  /** Sends frames in one write. */
  send(frames: readonly string[]): void {
    if (!this.open) return;
    this.#raw.cork();
    for (const frame of frames) this.#ws.send(frame);
    this.#raw.uncork();
  }

  /** The same; resolves once the socket takes more. @throws deadline_exceeded if it does not for too long */
  async write(frames: readonly string[]): Promise<void> {
    this.send(frames);
    await this.room();
  }

  /** Resolves once the socket takes more, or is gone. @throws deadline_exceeded if it does not for too long */
  async room(): Promise<void> {
    if (!this.open || !this.full) return;
    this.#room ??= this.#drained().finally(() => {
      this.#room = null;
    });
    await this.#room;
  }

  #drained(): Promise<void> {
    const raw = this.#raw;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        done();
        this.#ws.terminate();
        reject(perdureError('deadline_exceeded', 'The reader did not take what was sent.'));
      }, this.#patienceMs);
      const done = (): void => {
        clearTimeout(timer);
        raw.off('drain', onRoom).off('close', onRoom);
      };
      const onRoom = (): void => {
        done();
        resolve();
      };
      raw.on('drain', onRoom).on('close', onRoom);
    });
  }
}
