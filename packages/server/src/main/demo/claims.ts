/** What the demo says, and what it read to be allowed to say it. A claim that was not read back over the API is not printed as true. */
import type { JsonObject } from '@perdure/protocol';

export interface Cite {
  readonly contract: string;
  readonly id: string;
  readonly cite: string;
}

/** What a check came to. */
export interface Told {
  /** The claim in words, made of what was read. */
  readonly text: string;
  /** Clauses that the words name. */
  readonly cites?: readonly Cite[];
  /** What was read, in short. */
  readonly evidence: JsonObject;
  /** What is not as the story has it; empty: the claim holds. */
  readonly wrong: readonly string[];
}

export interface ClaimResult extends Required<Told> {
  readonly id: string;
  /** What is claimed, before anything was read. */
  readonly claim: string;
  readonly ok: boolean;
}

/** Ends the story: what comes next stands on what failed. */
export class StoryOver extends Error {
  override readonly name = 'StoryOver';
}

export class Claims {
  readonly results: ClaimResult[] = [];
  readonly #onResult: (result: ClaimResult) => void;

  constructor(onResult: (result: ClaimResult) => void) {
    this.#onResult = onResult;
  }

  /**
   * Checks a claim and keeps what it came to. An error of the check fails the claim.
   * @param id stable: names the claim in JSON and in failures
   * @param claim what is claimed, in words
   */
  async check(id: string, claim: string, check: () => Promise<Told>): Promise<void> {
    let told: Told;
    try {
      told = await check();
    } catch (error) {
      told = { text: claim, evidence: {}, wrong: [error instanceof Error ? error.message : String(error)] };
    }
    const result: ClaimResult = { id, claim, cites: [], ...told, ok: told.wrong.length === 0 };
    this.results.push(result);
    this.#onResult(result);
  }

  get failed(): readonly ClaimResult[] {
    return this.results.filter(result => !result.ok);
  }

  /** Every clause that a claim named, once. */
  get cited(): readonly Cite[] {
    const all = this.results.flatMap(result => result.cites);
    return [...new Map(all.map(cite => [`${cite.contract}/${cite.id}`, cite])).values()];
  }

  /** @throws StoryOver if a claim has failed so far */
  mustHold(): void {
    if (this.failed.length > 0) throw new StoryOver('a claim failed');
  }
}

/** `what: expected x, found y`, or nothing where they are the same. Compared as JSON. */
export function differs(what: string, found: unknown, expected: unknown): string[] {
  const [is, want] = [JSON.stringify(found), JSON.stringify(expected)];
  return is === want ? [] : [`${what}: expected ${short(want)}, found ${short(is)}`];
}

const SHOWN_CHARS = 200;
const short = (text: string | undefined): string =>
  text === undefined ? 'nothing' : text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}...` : text;
