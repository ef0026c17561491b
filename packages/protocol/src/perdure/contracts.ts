/** Contracts that were ever activated, with their texts: what auditors read. And agents without what they are told. */
import * as z from 'zod';
import type { ActivatedContract } from './governance.ts';

export type ContractRecord = ActivatedContract & {
  readonly object: 'perdure.contract';
  /** Whether the set that is in force now has it. */
  readonly in_force: boolean;
  /** The ids of the activations that name it, oldest first. */
  readonly activations: readonly string[];
};

export type ContractTexts = ContractRecord & {
  /** Path -> text: contract.yaml, *.cedar, readings/*.cedar. */
  readonly texts: { readonly [path: string]: string };
};

/** What an agent is, and nothing of what it is told: instructions, descriptions, schemas and metadata are content. */
export type AgentCard = {
  readonly id: string;
  readonly object: 'perdure.agent_card';
  readonly tenant: string;
  readonly name: string | null;
  /** In force; the first is 1. */
  readonly version: number;
  /** Of that version, as the audit names it. */
  readonly digest: string;
  readonly model: string;
  readonly service_tier: string;
  readonly reasoning_effort: string | null;
  readonly tools: readonly AgentCardTool[];
  /** Sub-agents at once; 0 if it may have none. */
  readonly max_concurrent_subagents: number;
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly updated_at: number;
  /** Who made this version: the id of a key, or `local`. */
  readonly updated_by: string;
};

export type AgentCardTool = {
  readonly type: string;
  /** Of a function its name, of an MCP server its label; null for what has no name. */
  readonly name: string | null;
  /** Names of an MCP server's tools that it may use; null: all, or no server. */
  readonly allowed: readonly string[] | null;
};

const text = z.string();
const seconds = z.int().min(0);
const contract = {
  id: text,
  object: z.literal('perdure.contract'),
  version: text,
  digest: text,
  files: z.record(text, text),
  in_force: z.boolean(),
  activations: z.array(text),
};
export const contractSchema: z.ZodType<ContractRecord> = z.object(contract);
export const contractTextsSchema: z.ZodType<ContractTexts> = z.object({ ...contract, texts: z.record(text, text) });
export const contractListSchema: z.ZodType<{
  readonly object: 'list';
  readonly data: readonly ContractRecord[];
  readonly has_more: boolean;
}> = z.object({ object: z.literal('list'), data: z.array(contractSchema), has_more: z.boolean() });

export const agentCardSchema: z.ZodType<AgentCard> = z.object({
  id: text,
  object: z.literal('perdure.agent_card'),
  tenant: text,
  name: text.nullable(),
  version: z.int().min(1),
  digest: text,
  model: text,
  service_tier: text,
  reasoning_effort: text.nullable(),
  tools: z.array(z.object({ type: text, name: text.nullable(), allowed: z.array(text).nullable() })),
  max_concurrent_subagents: z.int().min(0),
  created_at: seconds,
  updated_at: seconds,
  updated_by: text,
});
