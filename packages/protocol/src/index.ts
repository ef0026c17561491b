export { didYouMean, knownHint } from './did-you-mean.ts';
export * from './errors.ts';
export * from './json.ts';
export * from './limits.ts';
export * from './perdure-error.ts';
export * from './responses/events.ts';
export * from './responses/items.ts';
export * from './responses/resource.ts';
export * from './responses/settings.ts';
export {
  choiceName,
  flatName,
  markedName,
  offeredTools,
  placedTools,
  type PlacedTool,
} from './responses/namespaces.ts';
export { fault, parseBody, parseJsonText, parseQuery, type Parsed } from './parse.ts';
export { parseOwnBody } from './perdure/own-body.ts';
export { createResponseBody, parseCreateResponse } from './responses/request-schema.ts';
export {
  type ExpandPrompt,
  type ExpandedPrompt,
  promptNotFound,
  type PromptFault,
  type PromptReference,
  type PromptVariable,
} from './responses/prompt.ts';
export { includablesOf } from './responses/include.ts';
export { skippedTools } from './responses/tool-schema.ts';
export { inputItem } from './responses/item-schema.ts';
export * from './chat/completion.ts';
export * from './chat/convert.ts';
export * from './chat/messages.ts';
export { chatRequestBody, parseChatRequest } from './chat/request-schema.ts';
export {
  listPage,
  listPageSchema,
  parseIncludeQuery,
  parseListQuery,
  type ListPage,
  type ListQuery,
  type RawQuery,
} from './lists.ts';
export * from './files/file.ts';
export * from './models.ts';
export { agentTraceSchema } from './agents/traces.ts';
export * from './agents/agent-config.ts';
export * from './agents/automation.ts';
export {
  parseAutomationCreate,
  parseAutomationListQuery,
  parseAutomationUpdate,
  type AutomationCreate,
  type AutomationListQuery,
  type AutomationSchedule,
  type AutomationTargetInput,
  type AutomationUpdate,
} from './agents/automation-schema.ts';
export * from './agents/session-resource.ts';
export * from './agents/session-schema.ts';
export * from './agents/environment.ts';
export * from './agents/environment-limits.ts';
export {
  ENVIRONMENT_OBJECTS,
  environmentFilePageSchema,
  environmentInfoSchema,
  type WorkerToken,
  workerTokenSchema,
} from './agents/environment-resource.ts';
export {
  environmentBody,
  environmentFileBody,
  environmentParam,
  inlineBytes,
  templateBody,
} from './agents/environment-schema.ts';
export * from './agents/worker-schema.ts';
export { AGENT_LIMITS, agentBody, agentConfigInput, agentToolResource } from './agents/agent-schema.ts';
export * from './agents/agent-resource.ts';
export * from './agents/vault-resource.ts';
export * from './agents/vault-schema.ts';
export { createdKeySchema, KEY_SCOPES, keyRevokedSchema, keySchema, strayOfKey } from './perdure/keys.ts';
export * from './perdure/approvals.ts';
export * from './perdure/audit.ts';
export * from './perdure/closes.ts';
export * from './perdure/contracts.ts';
export * from './perdure/explain.ts';
export * from './perdure/governance.ts';
export * from './perdure/holds.ts';
export * from './perdure/placements.ts';
export * from './perdure/reports.ts';
export * from './perdure/rights.ts';
export * from './perdure/status.ts';
export type { StatementBasis } from './perdure/basis.ts';
export * from './perdure/commitments.ts';
export * from './perdure/usage.ts';
export * from './perdure/webhooks.ts';
export * from './responses/conversations.ts';
export * from './responses/compaction.ts';
export { chatChunkSchema, chatCompletionSchema } from './chat/completion-schema.ts';
export {
  placementPageSchema,
  replayPageSchema,
  replaySnapshotSchema,
  placementSchema,
  statusSchema,
  targetSchema,
  whatIfSchema,
  healthSchema,
  readySchema,
} from './perdure/resource-schema.ts';
export { conversationSchema, itemSchema, responseSchema } from './responses/resource-schema.ts';
