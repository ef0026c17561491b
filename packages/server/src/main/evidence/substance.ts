/** Whether a session was stateful in name only: by the reading `substance` of the contract that bound it, else by a rule of our own. */
import { bindingContracts } from '../../placement/bind.ts';
import type { Use } from '../../placement/facts.ts';
import { fromRecord } from '../../placement/record.ts';
import type { Seen } from './seen.ts';

/** As the shipped sets call it. */
const SUBSTANCE = 'substance';
/** The name of the rule where no contract has one. */
export const BUILT_IN = 'built-in';

export interface Substance {
  /** `contract@version:reading`, or `BUILT_IN`. */
  readonly rule: string;
  /** Null: the definition could not be evaluated. */
  readonly inNameOnly: boolean | null;
}

/**
 * The first contract that binds the placement and has the reading decides, of what its session did in all.
 * @param seen a placement of the session
 */
export function substanceOf({ record, snapshot }: Pick<Seen, 'record' | 'snapshot'>, use: Use): Substance {
  const { action, facts } = fromRecord(record);
  const { session, vendor, at } = facts;
  const { contracts } = bindingContracts(snapshot, action, vendor, session.product, at);
  const contract = contracts.find(({ readings }) => readings.some(({ id }) => id === SUBSTANCE));
  if (contract === undefined) return { rule: BUILT_IN, inNameOnly: wasUnused(use) };
  const told = { ...facts, session: { ...session, use }, recorded: snapshot.recorded };
  const found = contract.classify(told, SUBSTANCE).class;
  return {
    rule: `${contract.id}@${contract.version}:${SUBSTANCE}`,
    inNameOnly: found === null ? null : found === 'stateless',
  };
}

/** One turn at most, nothing read back, no memory, no tool, no file. */
function wasUnused({ turns, itemsRead, memoryReads, toolsRun, filesTouched }: Use): boolean {
  return turns <= 1 && itemsRead + memoryReads + toolsRun + filesTouched === 0;
}
