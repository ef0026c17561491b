/** What was seen that must never be: each is a broken law of DESIGN.md, or something that no law allows. */
export type Law = 'L2' | 'L3' | 'L5' | 'L6' | 'L7' | 'context' | 'ledger' | 'liveness' | 'harness';

export interface Violation {
  readonly law: Law;
  readonly what: string;
  /** Ids, numbers, the first bytes that differ. */
  readonly detail: string;
}

/** Of one kind at most so many are kept in words; all are counted. */
const KEPT_EACH = 5;

export class Violations {
  readonly #kept: Violation[] = [];
  readonly #counts = new Map<string, number>();
  readonly #onKept: (one: Violation) => void;

  /** @param onKept hears of each that is kept, at once */
  constructor(onKept: (one: Violation) => void = () => undefined) {
    this.#onKept = onKept;
  }

  add(law: Law, what: string, detail = ''): void {
    const key = `${law} ${what}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count > KEPT_EACH) return;
    const one = { law, what, detail };
    this.#kept.push(one);
    this.#onKept(one);
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get kept(): readonly Violation[] {
    return this.#kept;
  }

  laws(): ReadonlySet<Law> {
    return new Set(this.#kept.map(({ law }) => law));
  }
}
