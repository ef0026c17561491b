/** Legal holds. */
import { READ, type Route, WRITE } from './route.ts';

export const HOLD_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: '/perdure/v1/holds',
    operationId: 'listHolds',
    tag: 'perdure',
    summary: 'Legal holds, newest first; lifted ones too.',
    answer: 'HoldList',
    errors: READ,
  },
  {
    method: 'post',
    path: '/perdure/v1/holds',
    operationId: 'placeHold',
    tag: 'perdure',
    summary: 'Keep what a tenant, a session, a conversation or a response has stored from being erased.',
    body: 'CreateHold',
    answer: 'Hold',
    errors: [...WRITE, 'hold_subject_not_found', 'record_changed'],
  },
  {
    method: 'get',
    path: '/perdure/v1/holds/{hold_id}/kept',
    operationId: 'listKept',
    tag: 'perdure',
    summary: 'Sessions that hold something deleted, or past its time, which the hold keeps.',
    answer: 'KeptList',
    query: ['limit', 'after'],
    errors: [...READ, 'invalid_request', 'hold_not_found'],
  },
  {
    method: 'post',
    path: '/perdure/v1/holds/{hold_id}/lift',
    operationId: 'liftHold',
    tag: 'perdure',
    summary: 'Lift a hold: what it kept is erased by the next sweep.',
    answer: 'Hold',
    errors: [...READ, 'store_full', 'hold_not_found', 'not_pending', 'record_changed'],
  },
];
