/** Terms change: when the words of a term hold, and which held before. Of one id no two ever hold at once. */

export interface Held<Term> {
  /** ms since 1970, inclusive; null: from the beginning. */
  readonly since: number | null;
  /** Exclusive; null: nothing follows. */
  readonly until: number | null;
  /** The words that held until `since`; null: these are the first. */
  readonly earlier: Term | null;
}

/** Absent: the words never changed. */
export interface Changing {
  readonly held?: Held<this>;
}

export function holdsAt({ held }: Changing, at: number): boolean {
  return begun(held, at) && (held?.until == null || at < held.until);
}

function begun(held: Pick<Held<unknown>, 'since'> | undefined, at: number): boolean {
  return held?.since == null || at >= held.since;
}

/** The words that held at a time, of a term and those before it; null if it held by none then. */
export function wordsAt<Term extends Changing>(term: Term, at: number): Term | null {
  if (holdsAt(term, at)) return term;
  const earlier = begun(term.held, at) ? null : (term.held?.earlier ?? null);
  return earlier === null ? null : wordsAt(earlier, at);
}

/** What is counted from `from` to before `to`, as far as the words hold then. */
export function heldSpan(
  { held }: { readonly held?: Pick<Held<unknown>, 'since' | 'until'> },
  from: number | null,
  to: number | null,
): { readonly from: number | null; readonly to: number | null } {
  return { from: latest(held?.since ?? null, from), to: soonest(held?.until ?? null, to) };
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function soonest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
