/** Routes of files. */
import type { ErrorCode } from '../errors.ts';
import { READ, type Route } from './route.ts';

/** What an input that names files or addresses can fail with. */
export const ATTACHING: readonly ErrorCode[] = [
  'file_not_found',
  'file_too_large',
  'file_type_not_allowed',
  'egress_denied',
  'fetch_failed',
];

export const FILE_ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: '/v1/files',
    operationId: 'uploadFile',
    tag: 'files',
    summary: 'Upload a file. It is state: its home is placed under contract.',
    body: 'UploadFile',
    form: true,
    answer: 'File',
    errors: [
      ...READ,
      'invalid_request',
      'unsupported_media_type',
      'unsupported_parameter',
      'file_too_large',
      'file_quota_exceeded',
      'file_type_not_allowed',
      'placement_refused',
      'no_contract_in_force',
      'store_full',
    ],
    placed: true,
  },
  {
    method: 'get',
    path: '/v1/files',
    operationId: 'listFiles',
    tag: 'files',
    summary: 'The files of the tenant.',
    answer: 'FileList',
    query: ['files.limit', 'order', 'after', 'files.purpose'],
    errors: [...READ, 'invalid_request'],
  },
  {
    method: 'get',
    path: '/v1/files/{file_id}',
    operationId: 'getFile',
    tag: 'files',
    summary: 'A file, without its bytes.',
    answer: 'File',
    errors: [...READ, 'file_not_found'],
  },
  {
    method: 'get',
    path: '/v1/files/{file_id}/content',
    operationId: 'getFileContent',
    tag: 'files',
    summary: 'The bytes of a file.',
    answer: 'bytes',
    errors: [...READ, 'file_not_found'],
  },
  {
    method: 'delete',
    path: '/v1/files/{file_id}',
    operationId: 'deleteFile',
    tag: 'files',
    summary: 'Delete a file and its bytes.',
    answer: 'FileDeleted',
    errors: [...READ, 'file_not_found', 'store_full'],
  },
];
