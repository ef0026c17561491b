/** Schemas of sessions, by the names that the OpenAPI document has for them. */
import type * as z from 'zod';
import {
  agentItemSchema,
  agentSessionDeletedSchema,
  agentSessionEventSchema,
  agentSessionSchema,
  agentTurnSchema,
  subagentSchema,
} from '../agents/session-resource.ts';
import { createSessionBody, inputEventsBody, updateSessionBody } from '../agents/session-schema.ts';
import { listPageSchema } from '../lists.ts';

export type SessionRequestName = 'CreateSession' | 'UpdateSession' | 'SessionInput';
export type SessionAnswerName =
  | 'AgentSession'
  | 'AgentSessionList'
  | 'AgentSessionDeleted'
  | 'AgentSessionEvent'
  | 'AgentTurn'
  | 'AgentTurnList'
  | 'AgentItemList'
  | 'Subagent'
  | 'SubagentList';

export const SESSION_REQUESTS: { readonly [name in SessionRequestName]: z.ZodType } = {
  CreateSession: createSessionBody,
  UpdateSession: updateSessionBody,
  SessionInput: inputEventsBody,
};

export const SESSION_ANSWERS: { readonly [name in SessionAnswerName]: z.ZodType } = {
  AgentSession: agentSessionSchema,
  AgentSessionList: listPageSchema(agentSessionSchema),
  AgentSessionDeleted: agentSessionDeletedSchema,
  AgentSessionEvent: agentSessionEventSchema,
  AgentTurn: agentTurnSchema,
  AgentTurnList: listPageSchema(agentTurnSchema),
  AgentItemList: listPageSchema(agentItemSchema),
  Subagent: subagentSchema,
  SubagentList: listPageSchema(subagentSchema),
};
