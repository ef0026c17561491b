/** What the routes of agents and vaults need. Made by main. */
import type { Agents } from '../../engine/agents/agents.ts';
import type { Vaults } from '../../engine/vaults/vaults.ts';

export interface RegistryView {
  readonly agents: Agents;
  readonly vaults: Vaults;
  /** Another master key. @param who the principal that asks @returns vaults that were wrapped anew, and when the key was made (ms since 1970) */
  rotateMaster(who: string): Promise<{ readonly vaults: number; readonly madeAt: number }>;
}
