/** Routes of automations. */
import { BODY, READ, type Route } from './route.ts';
import type { ErrorCode } from '../errors.ts';

const ONE: readonly ErrorCode[] = [...READ, 'automation_not_found'];
const CHANGE: readonly ErrorCode[] = [...ONE, 'store_full', 'record_changed'];
const base = '/v1/agents/automations';
const tag = 'automations';

export const AUTOMATION_ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: base,
    operationId: 'createAutomation',
    tag,
    summary: 'Save an automation: a schedule that starts sessions, or tells one. Nothing runs at once.',
    body: 'CreateAutomation',
    answer: 'Automation',
    errors: [...READ, ...BODY, 'store_full', 'unsupported_parameter', 'automation_limit_reached'],
  },
  {
    method: 'get',
    path: base,
    operationId: 'listAutomations',
    tag,
    summary: 'The automations of the tenant; with `session_id` those that tell this session.',
    answer: 'AutomationList',
    query: ['limit', 'order', 'after', 'session_id'],
    errors: [...READ, 'invalid_request'],
  },
  {
    method: 'get',
    path: `${base}/{automation_id}`,
    operationId: 'getAutomation',
    tag,
    summary: 'An automation.',
    answer: 'Automation',
    errors: ONE,
  },
  {
    method: 'post',
    path: `${base}/{automation_id}`,
    operationId: 'updateAutomation',
    tag,
    summary: 'Change what is given; target and metadata are replaced as a whole.',
    body: 'UpdateAutomation',
    answer: 'Automation',
    errors: [...CHANGE, ...BODY, 'unsupported_parameter'],
  },
  {
    method: 'delete',
    path: `${base}/{automation_id}`,
    operationId: 'deleteAutomation',
    tag,
    summary: 'Delete an automation and its invocations. Sessions that it started stay.',
    answer: 'AutomationDeleted',
    errors: CHANGE,
  },
  {
    method: 'post',
    path: `${base}/{automation_id}/pause`,
    operationId: 'pauseAutomation',
    tag,
    summary: 'Stop its schedule, and what of it waits to be delivered.',
    answer: 'Automation',
    errors: CHANGE,
  },
  {
    method: 'post',
    path: `${base}/{automation_id}/resume`,
    operationId: 'resumeAutomation',
    tag,
    summary: 'Set its schedule going again, from now on: what passed meanwhile is not made up for.',
    answer: 'Automation',
    errors: [...CHANGE, 'invalid_request'],
  },
  {
    method: 'post',
    path: `${base}/{automation_id}/invocations`,
    operationId: 'createInvocation',
    tag,
    summary: 'Queue a run now. The schedule stays as it is.',
    answer: 'Invocation',
    errors: CHANGE,
  },
  {
    method: 'get',
    path: `${base}/{automation_id}/invocations`,
    operationId: 'listInvocations',
    tag,
    summary: 'The runs of an automation.',
    answer: 'InvocationList',
    query: ['limit', 'order', 'after'],
    errors: [...ONE, 'invalid_request'],
  },
  {
    method: 'get',
    path: `${base}/{automation_id}/invocations/{invocation_id}`,
    operationId: 'getInvocation',
    tag,
    summary: 'One run.',
    answer: 'Invocation',
    errors: [...ONE, 'invocation_not_found'],
  },
];
