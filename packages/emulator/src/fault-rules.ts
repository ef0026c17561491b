import { badRequest } from './failure.ts';
import { describeFault, type Fault, readFault } from './faults.ts';
import { type Fields, integerIn, objectIn, refuseUnknown, stringIn } from './fields.ts';

/** A fault for the requests that match; `left` counts down and null never does. */
interface Rule {
  readonly id: number;
  readonly cloud: string | null;
  readonly model: string | null;
  readonly contains: string | null;
  readonly faults: readonly Fault[];
  left: number | null;
}

export const MAX_RULES = 1_000;
const MAX_TIMES = 1_000_000_000;

/** What is told of a rule over the control endpoint. */
export interface RuleView {
  readonly id: number;
  readonly match: { readonly cloud: string | null; readonly model: string | null; readonly contains: string | null };
  readonly faults: readonly string[];
  readonly left: number | null;
}

const GRAMMAR =
  "'latency MS', 'first-token MS', 'slow-headers MS', 'status CODE [retry-after S | retry-after-ms MS]', 'cut N', 'malformed N', 'hang [N]', 'truncate', 'error-event N', 'oversize [N]'";

/** Reads one fault or a list of them, as words or in JSON form. */
function readFaults(given: unknown): readonly Fault[] {
  const listed: readonly unknown[] = Array.isArray(given) ? given : [given];
  return listed.map(each => {
    const fault = readFault(each);
    if (fault === null) throw badRequest(`Invalid 'fault'. Supported are: ${GRAMMAR}.`, 'fault', 'invalid_value');
    return fault;
  });
}

/** The faults in force, by the first rule that matches; each request takes at most one rule and uses it once. */
export class FaultRules {
  readonly #rules: Rule[] = [];
  #made = 0;

  add(body: Fields): RuleView {
    refuseUnknown(body, new Set(['match', 'fault', 'times']));
    const match = objectIn(body, 'match') ?? {};
    refuseUnknown(match, new Set(['cloud', 'model', 'contains']), 'match');
    const rule: Rule = {
      id: ++this.#made,
      cloud: stringIn(match, 'cloud', 'match'),
      model: stringIn(match, 'model', 'match'),
      contains: stringIn(match, 'contains', 'match'),
      faults: readFaults(body['fault']),
      left: integerIn(body, 'times', { min: 1, max: MAX_TIMES }),
    };
    if (this.#rules.length >= MAX_RULES) {
      throw badRequest(`At most ${MAX_RULES} fault rules are kept: delete them first.`, null, 'too_many_fault_rules');
    }
    this.#rules.push(rule);
    return view(rule);
  }

  clear(): void {
    this.#rules.length = 0;
  }

  list(): readonly RuleView[] {
    return this.#rules.map(view);
  }

  /** `body` is asked for only if a rule looks into it. */
  take(cloud: string, model: string, body: () => string): readonly Fault[] {
    if (this.#rules.length === 0) return [];
    let text: string | null = null;
    const holds = (part: string): boolean => (text ??= body()).includes(part);
    const index = this.#rules.findIndex(
      rule =>
        (rule.cloud === null || rule.cloud === cloud) &&
        (rule.model === null || rule.model === model) &&
        (rule.contains === null || holds(rule.contains)),
    );
    const rule = this.#rules[index];
    if (rule === undefined) return [];
    if (rule.left !== null && --rule.left === 0) this.#rules.splice(index, 1);
    return rule.faults;
  }
}

function view({ id, cloud, model, contains, faults, left }: Rule): RuleView {
  return { id, match: { cloud, model, contains }, faults: faults.map(describeFault), left };
}
