/** Closed billing months. */
import { READ, type Route, WRITE } from './route.ts';

export const CLOSE_ROUTES: readonly Route[] = [
  {
    method: 'get',
    path: '/perdure/v1/usage/closes',
    operationId: 'listCloses',
    tag: 'perdure',
    summary: 'Closed billing months in their order, each with its restatements.',
    answer: 'ClosedMonthList',
    errors: [...READ, 'closed_month_unreadable'],
  },
  {
    method: 'post',
    path: '/perdure/v1/usage/closes',
    operationId: 'closeMonth',
    tag: 'perdure',
    summary: 'Close a billing month: what was billed in it stands from then on.',
    body: 'CloseMonth',
    answer: 'ClosedMonth',
    errors: [...WRITE, 'month_not_over', 'month_closed', 'closed_month_unreadable'],
  },
  {
    method: 'post',
    path: '/perdure/v1/usage/closes/{month}/restate',
    operationId: 'restateMonth',
    tag: 'perdure',
    summary:
      'Rate a closed month anew by the books and terms of today: the difference is billed as corrections in the open month.',
    body: 'RestateMonth',
    answer: 'RestatementAnswer',
    errors: [
      ...WRITE,
      'month_not_closed',
      'nothing_to_restate',
      'restatement_limit_reached',
      'closed_month_unreadable',
      'record_changed',
    ],
  },
];
