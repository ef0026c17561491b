/** The part of the reducer that counts files (`SessionUse`). Turns, items and tools are counted where they come. */
import type { Envelope } from '../log/events.ts';
import type { SessionState } from './state.ts';

/** Every time that one was read or written, as far as the log says: the same file twice is two. A turn that fails gives nothing back. */
export function withFiles(state: SessionState, { head }: Envelope): SessionState {
  const files = 'files' in head ? (head.files ?? 0) : 0;
  if (files === 0) return state;
  const { use } = state;
  return { ...state, use: { ...use, filesTouched: use.filesTouched + files } };
}
