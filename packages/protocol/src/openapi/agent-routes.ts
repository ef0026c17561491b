/** Routes of agents and their versions. */
import type { ErrorCode } from '../errors.ts';
import { type QueryName, READ, type Route, WRITE } from './route.ts';

const PAGE: readonly QueryName[] = ['limit', 'order', 'after'];
const LISTED: readonly ErrorCode[] = [...READ, 'invalid_request', 'unsupported_parameter'];

export const AGENT_ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: '/v1/agents',
    operationId: 'createAgent',
    tag: 'agents',
    summary: 'Register an agent: its first version. It holds no credentials.',
    body: 'CreateAgent',
    answer: 'Agent',
    errors: [...WRITE, 'unsupported_parameter', 'quota_exceeded'],
  },
  {
    method: 'get',
    path: '/perdure/v1/agents',
    operationId: 'listAgentCards',
    tag: 'agents',
    summary: 'What agents are, without what they are told: name, version, model, names of tools, limits. For auditors.',
    answer: 'AgentCardList',
    query: [...PAGE, 'tenant'],
    errors: [...READ, 'invalid_request', 'mutually_exclusive_parameters'],
  },
  {
    method: 'get',
    path: '/v1/agents',
    operationId: 'listAgents',
    tag: 'agents',
    summary: 'The agents of the tenant, in the version in force. A page of large agents may hold fewer than its limit.',
    answer: 'AgentList',
    query: PAGE,
    errors: [...LISTED, 'mutually_exclusive_parameters'],
  },
  {
    method: 'get',
    path: '/v1/agents/{agent_id}',
    operationId: 'getAgent',
    tag: 'agents',
    summary: 'An agent in the version in force, whose number is in the header `perdure-agent-version`.',
    answer: 'Agent',
    errors: [...READ, 'agent_not_found'],
  },
  {
    method: 'post',
    path: '/v1/agents/{agent_id}',
    operationId: 'updateAgent',
    tag: 'agents',
    summary: 'Change an agent: a new version. What is left out stays; if nothing changes, no version is made.',
    body: 'UpdateAgent',
    bodyOptional: true,
    answer: 'Agent',
    errors: [...WRITE, 'unsupported_parameter', 'agent_not_found', 'quota_exceeded', 'record_changed'],
  },
  {
    method: 'delete',
    path: '/v1/agents/{agent_id}',
    operationId: 'deleteAgent',
    tag: 'agents',
    summary:
      'Delete an agent. Sessions that run a version of it go on, and its versions stay while a session names them.',
    answer: 'AgentDeleted',
    errors: [...READ, 'agent_not_found', 'record_changed', 'store_full'],
  },
  {
    method: 'get',
    path: '/perdure/v1/agents/{agent_id}/versions',
    operationId: 'listAgentVersions',
    tag: 'agents',
    summary: 'The versions of an agent, newest first; of a deleted one too.',
    answer: 'AgentVersionList',
    query: PAGE,
    errors: [...LISTED, 'mutually_exclusive_parameters', 'agent_not_found'],
  },
  {
    method: 'get',
    path: '/perdure/v1/agents/{agent_id}/versions/{version}',
    operationId: 'getAgentVersion',
    tag: 'agents',
    summary: 'One version of an agent. It never changes.',
    answer: 'AgentVersion',
    errors: [...READ, 'agent_not_found', 'agent_version_not_found'],
  },
  {
    method: 'post',
    path: '/perdure/v1/agents/{agent_id}/rollback',
    operationId: 'rollBackAgent',
    tag: 'agents',
    summary: 'Make a new version of an agent that equals an older one.',
    body: 'RollBackAgent',
    answer: 'Agent',
    errors: [...WRITE, 'agent_not_found', 'agent_version_not_found', 'quota_exceeded', 'record_changed'],
  },
];
