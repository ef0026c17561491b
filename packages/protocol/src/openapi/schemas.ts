/** The schemas that the OpenAPI document names. Requests are described as clients write them, answers as they are sent. */
import * as z from 'zod';
import { automationDeletedSchema, automationSchema, invocationSchema } from '../agents/automation.ts';
import { createAutomationBody, updateAutomationBody } from '../agents/automation-schema.ts';
import { chatChunkSchema, chatCompletionSchema } from '../chat/completion-schema.ts';
import { traceListSchema } from '../agents/traces.ts';
import { chatRequestBody } from '../chat/request-schema.ts';
import { ENVIRONMENT_ANSWERS, type EnvironmentAnswer } from '../agents/environment-resource.ts';
import { environmentBody, environmentFileBody, templateBody } from '../agents/environment-schema.ts';
import { workerBody, workerToldSchema } from '../agents/worker-schema.ts';
import { ERROR_CODES } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { AGENT_ANSWERS, AGENT_REQUESTS, type AgentAnswerName, type AgentRequestName } from './agent-schemas.ts';
import { fileDeletedSchema, fileSchema, uploadFileBody } from '../files/file.ts';
import { listPageSchema } from '../lists.ts';
import { freeObject } from '../parse.ts';
import {
  placementPageSchema,
  replayPageSchema,
  replaySnapshotSchema,
  placementSchema,
  healthSchema,
  readySchema,
  statusSchema,
  targetSchema,
  whatIfSchema,
} from '../perdure/resource-schema.ts';
import { createdKeySchema, createKeyBody, keyListSchema, keyRevokedSchema } from '../perdure/keys.ts';
import {
  activationAnswerSchema,
  activationListSchema,
  activationSchema,
  contractEventAnswerSchema,
  contractEventListSchema,
  contractEventSchema,
  settingsListSchema,
  settingsSchema,
  createActivationBody,
  createContractEventBody,
  createWaiverBody,
  strandedSchema,
  waiverListSchema,
  waiverAnswerSchema,
  waiverSchema,
} from '../perdure/governance.ts';
import { auditPageSchema } from '../perdure/audit.ts';
import { contractListSchema, contractTextsSchema } from '../perdure/contracts.ts';
import {
  approvalDetailSchema,
  approvalPageSchema,
  approvalSchema,
  denyApprovalBody,
  grantApprovalBody,
  resolveApprovalBody,
} from '../perdure/approvals.ts';
import {
  createWebhookBody,
  rotateWebhookBody,
  testWebhookBody,
  webhookDeletedSchema,
  webhookDeliveryPageSchema,
  webhookPageSchema,
  webhookSchema,
  webhookTestedSchema,
  webhookWithSecretSchema,
} from '../perdure/webhooks.ts';
import {
  closedMonthListSchema,
  closedMonthSchema,
  closeMonthBody,
  restatementAnswerSchema,
  restateMonthBody,
} from '../perdure/closes.ts';
import { createHoldBody, holdListSchema, holdSchema, keptListSchema } from '../perdure/holds.ts';
import { answerRightBody, offerRightBody, rightListSchema, rightSchema } from '../perdure/rights.ts';
import { decisionFactsSchema, explainBody, explanationSchema } from '../perdure/explain.ts';
import { lockInSchema, statefulnessSchema, visibilitySchema } from '../perdure/reports.ts';
import { whatIfBody } from '../perdure/placements.ts';
import { commitmentsSchema } from '../perdure/commitments.ts';
import { usageCallPageSchema, usageGroupSchema } from '../perdure/usage.ts';
import { createConversationBody, createItemsBody, updateConversationBody } from '../responses/conversations.ts';
import {
  compactedResponseSchema,
  compactResponseBody,
  countInputBody,
  inputTokensSchema,
} from '../responses/compaction.ts';
import { inputItem } from '../responses/item-schema.ts';
import { createResponseBody } from '../responses/request-schema.ts';
import {
  conversationDeletedSchema,
  conversationSchema,
  itemSchema,
  responseDeletedSchema,
  responseSchema,
} from '../responses/resource-schema.ts';

import {
  SESSION_ANSWERS,
  SESSION_REQUESTS,
  type SessionAnswerName,
  type SessionRequestName,
} from './session-schemas.ts';

export type SchemaName =
  | EnvironmentAnswer
  | 'CreateEnvironment'
  | 'CreateEnvironmentFile'
  | 'CreateEnvironmentTemplate'
  | 'WorkerSays'
  | 'WorkerTold'
  | 'InputItem'
  | 'CreateResponse'
  | 'CompactResponse'
  | 'CountInput'
  | 'CreateConversation'
  | 'UpdateConversation'
  | 'CreateItems'
  | 'ChatRequest'
  | 'WhatIfRequest'
  | 'ExplainRequest'
  | 'CreateKey'
  | 'Item'
  | 'Response'
  | 'CompactedResponse'
  | 'InputTokens'
  | 'ResponseDeleted'
  | 'ItemList'
  | 'Conversation'
  | 'ConversationDeleted'
  | 'ChatCompletion'
  | 'ChatChunk'
  | 'UploadFile'
  | 'File'
  | 'FileList'
  | 'FileDeleted'
  | 'Model'
  | 'ModelList'
  | 'ChatCompletionList'
  | 'Placement'
  | 'PlacementList'
  | 'ReplayPage'
  | 'ReplaySnapshot'
  | 'UsageList'
  | 'UsageCallList'
  | 'Commitments'
  | 'Target'
  | 'TargetList'
  | 'Status'
  | 'WhatIfResult'
  | 'DecisionFacts'
  | 'Explanation'
  | 'StatefulnessReport'
  | 'VisibilityReport'
  | 'LockInReport'
  | 'CreatedKey'
  | 'KeyList'
  | 'KeyRevoked'
  | 'TraceList'
  | 'Cosigned'
  | 'CreateActivation'
  | 'CreateWaiver'
  | 'CreateContractEvent'
  | 'OfferRight'
  | 'AnswerRight'
  | 'Activation'
  | 'ActivationAnswer'
  | 'ActivationList'
  | 'StrandedList'
  | 'Waiver'
  | 'WaiverAnswer'
  | 'WaiverList'
  | 'ContractEvent'
  | 'ContractEventAnswer'
  | 'ContractEventList'
  | 'Settings'
  | 'SettingsList'
  | 'Right'
  | 'RightList'
  | 'AuditPage'
  | 'ContractList'
  | 'ContractTexts'
  | 'Approval'
  | 'ApprovalPage'
  | 'Webhook'
  | 'WebhookPage'
  | 'WebhookWithSecret'
  | 'WebhookDeleted'
  | 'WebhookTested'
  | 'WebhookDeliveryPage'
  | 'Hold'
  | 'HoldList'
  | 'ClosedMonth'
  | 'ClosedMonthList'
  | 'RestatementAnswer'
  | 'KeptList'
  | 'CreateHold'
  | 'CloseMonth'
  | 'RestateMonth'
  | 'CreateAutomation'
  | 'UpdateAutomation'
  | 'Automation'
  | 'AutomationList'
  | 'AutomationDeleted'
  | 'Invocation'
  | 'InvocationList'
  | 'GrantApproval'
  | 'DenyApproval'
  | 'ResolveApproval'
  | 'CreateWebhook'
  | 'RotateWebhook'
  | 'TestWebhook'
  | 'Health'
  | 'Ready'
  | 'Error'
  | AgentAnswerName
  | AgentRequestName
  | SessionAnswerName
  | SessionRequestName;
type RequestName =
  | AgentRequestName
  | 'CreateEnvironment'
  | 'CreateEnvironmentFile'
  | 'CreateEnvironmentTemplate'
  | 'WorkerSays'
  | 'UploadFile'
  | 'InputItem'
  | 'CreateResponse'
  | 'CompactResponse'
  | 'CountInput'
  | 'CreateConversation'
  | 'UpdateConversation'
  | 'CreateItems'
  | 'ChatRequest'
  | 'WhatIfRequest'
  | 'ExplainRequest'
  | 'CreateKey'
  | 'CreateActivation'
  | 'CreateWaiver'
  | 'CreateContractEvent'
  | 'CreateHold'
  | 'CloseMonth'
  | 'RestateMonth'
  | 'CreateAutomation'
  | 'UpdateAutomation'
  | 'GrantApproval'
  | 'DenyApproval'
  | 'ResolveApproval'
  | 'CreateWebhook'
  | 'RotateWebhook'
  | 'TestWebhook'
  | 'OfferRight'
  | 'AnswerRight'
  | SessionRequestName;

const model = z.object({ id: z.string(), object: z.literal('model'), created: z.int().min(0), owned_by: z.string() });
const error = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum([
      'invalid_request_error',
      'authentication_error',
      'permission_error',
      'rate_limit_error',
      'server_error',
    ]),
    code: z.enum(ERROR_CODES),
    param: z.string().nullable(),
    details: freeObject.optional(),
  }),
});

const requests: { readonly [name in RequestName]: z.ZodType } = {
  CreateEnvironment: environmentBody,
  CreateEnvironmentFile: environmentFileBody,
  CreateEnvironmentTemplate: templateBody,
  WorkerSays: workerBody,
  InputItem: inputItem,
  UploadFile: uploadFileBody,
  CreateResponse: createResponseBody,
  CompactResponse: compactResponseBody,
  CountInput: countInputBody,
  CreateConversation: createConversationBody,
  UpdateConversation: updateConversationBody,
  CreateItems: createItemsBody,
  ChatRequest: chatRequestBody,
  WhatIfRequest: whatIfBody,
  ExplainRequest: explainBody,
  CreateKey: createKeyBody,
  CreateActivation: createActivationBody,
  CreateWaiver: createWaiverBody,
  CreateContractEvent: createContractEventBody,
  CreateHold: createHoldBody,
  CloseMonth: closeMonthBody,
  RestateMonth: restateMonthBody,
  CreateAutomation: createAutomationBody,
  UpdateAutomation: updateAutomationBody,
  GrantApproval: grantApprovalBody,
  DenyApproval: denyApprovalBody,
  ResolveApproval: resolveApprovalBody,
  CreateWebhook: createWebhookBody,
  RotateWebhook: rotateWebhookBody,
  TestWebhook: testWebhookBody,
  OfferRight: offerRightBody,
  AnswerRight: answerRightBody,
  ...AGENT_REQUESTS,
  ...SESSION_REQUESTS,
};
const answers: { readonly [name in Exclude<SchemaName, RequestName>]: z.ZodType } = {
  ...ENVIRONMENT_ANSWERS,
  ...SESSION_ANSWERS,
  WorkerTold: workerToldSchema,
  Item: itemSchema,
  Response: responseSchema,
  CompactedResponse: compactedResponseSchema,
  InputTokens: inputTokensSchema,
  ResponseDeleted: responseDeletedSchema,
  ItemList: listPageSchema(itemSchema),
  Conversation: conversationSchema,
  ConversationDeleted: conversationDeletedSchema,
  ChatCompletion: chatCompletionSchema,
  ChatChunk: chatChunkSchema,
  File: fileSchema,
  FileList: listPageSchema(fileSchema),
  FileDeleted: fileDeletedSchema,
  Model: model,
  ChatCompletionList: z.object({
    object: z.literal('list'),
    data: z.array(z.unknown()).max(0),
    first_id: z.null(),
    last_id: z.null(),
    has_more: z.literal(false),
  }),
  ModelList: z.object({ object: z.literal('list'), data: z.array(model) }),
  Placement: placementSchema,
  PlacementList: placementPageSchema,
  ReplayPage: replayPageSchema,
  ReplaySnapshot: replaySnapshotSchema,
  UsageList: listPageSchema(usageGroupSchema),
  UsageCallList: usageCallPageSchema,
  Commitments: commitmentsSchema,
  Target: targetSchema,
  TargetList: listPageSchema(targetSchema),
  Status: statusSchema,
  DecisionFacts: decisionFactsSchema,
  Explanation: explanationSchema,
  StatefulnessReport: statefulnessSchema,
  VisibilityReport: visibilitySchema,
  LockInReport: lockInSchema,
  WhatIfResult: whatIfSchema,
  CreatedKey: createdKeySchema,
  KeyList: keyListSchema,
  KeyRevoked: keyRevokedSchema,
  TraceList: traceListSchema,
  Cosigned: z.object({ object: z.literal('perdure.cosignature'), taken: z.int().min(0) }),
  Activation: activationSchema,
  ActivationAnswer: activationAnswerSchema,
  ActivationList: activationListSchema,
  StrandedList: strandedSchema,
  Waiver: waiverSchema,
  WaiverAnswer: waiverAnswerSchema,
  WaiverList: waiverListSchema,
  ContractEvent: contractEventSchema,
  ContractEventAnswer: contractEventAnswerSchema,
  ContractEventList: contractEventListSchema,
  Settings: settingsSchema,
  SettingsList: settingsListSchema,
  Right: rightSchema,
  RightList: rightListSchema,
  AuditPage: auditPageSchema,
  ContractList: contractListSchema,
  ContractTexts: contractTextsSchema,
  Approval: z.union([approvalDetailSchema, approvalSchema]),
  ApprovalPage: approvalPageSchema,
  Webhook: webhookSchema,
  WebhookPage: webhookPageSchema,
  WebhookWithSecret: webhookWithSecretSchema,
  WebhookDeleted: webhookDeletedSchema,
  WebhookTested: webhookTestedSchema,
  WebhookDeliveryPage: webhookDeliveryPageSchema,
  ClosedMonth: closedMonthSchema,
  ClosedMonthList: closedMonthListSchema,
  RestatementAnswer: restatementAnswerSchema,
  Hold: holdSchema,
  HoldList: holdListSchema,
  KeptList: keptListSchema,
  Automation: automationSchema,
  AutomationList: listPageSchema(automationSchema),
  AutomationDeleted: automationDeletedSchema,
  Invocation: invocationSchema,
  InvocationList: listPageSchema(invocationSchema),
  Health: healthSchema,
  Ready: readySchema,
  Error: error,
  ...AGENT_ANSWERS,
};

/** All named schemas, as JSON schema 2020-12 (the dialect of OpenAPI 3.1), referring to one another by name. */
export function componentSchemas(): { readonly [name: string]: JsonObject } {
  return { ...described(requests, 'input'), ...described(answers, 'output') };
}

function described(
  schemas: { readonly [name: string]: z.ZodType },
  io: 'input' | 'output',
): { [name: string]: JsonObject } {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, {
    io,
    unrepresentable: 'any',
    uri: id => `#/components/schemas/${id}`,
    // Answers may gain properties. Of requests, those say it whose forms are closed.
    override: ({ jsonSchema }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([name, schema]) => {
      const { $schema: _dialect, $id: _id, ...rest } = schema;
      // A JSON schema made by zod is JSON, though its type allows more.
      return [name, rest as JsonObject];
    }),
  );
}
