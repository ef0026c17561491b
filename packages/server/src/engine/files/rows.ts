/**
 * Rows of files, as a home's store keeps them. The bytes lie apart, in the home's blobs; a row tells of them.
 *
 * F1  A row is laid down, `pending`, before the first byte of its blobs: what a crash leaves half done is found by its row.
 * F2  What is deleted is `doomed` first, in one commit: nobody sees it from then on, and its row says which blobs must still go.
 *     The row itself goes last.
 * F3  What a turn fetched has an owner: the event that holds its item. It is doomed in the commit that erases that event's payload (L13).
 * F4  What is deleted or over under a hold is `hidden`: nobody sees it either, and nothing of it is erased before the hold is lifted.
 */
import type { SessionId, TenantId } from '../../kernel/ids.ts';

export type FileStatus = 'pending' | 'ready' | 'doomed' | 'hidden';

export interface FileOwner {
  readonly session: SessionId;
  readonly seq: number;
}

export interface FileRow {
  readonly id: string;
  readonly tenant: TenantId;
  /** The event whose items speak of it; null for a file that was uploaded. */
  readonly owner: FileOwner | null;
  /** Empty while it is pending. */
  readonly purpose: string;
  readonly filename: string;
  /** Media type. */
  readonly type: string;
  readonly labels: readonly string[];
  /** ms since 1970. */
  readonly createdAt: number;
  /** ms since 1970; null if it does not expire. */
  readonly expiresAt: number | null;
  /** 0 while it is pending. */
  readonly bytes: number;
  /** Blobs that it has; while it is pending, that it may have. */
  readonly chunks: number;
  /** SHA-256 of its bytes, hex; empty while it is pending and once it is doomed. */
  readonly digest: string;
  readonly status: FileStatus;
}

/** What is known of a file once all of it is there: a form may say what it is after its bytes. */
export type FileContent = Pick<FileRow, 'bytes' | 'chunks' | 'digest' | 'type' | 'purpose' | 'filename' | 'expiresAt'>;

/** What the files of one tenant may come to in one home. */
export interface FileQuota {
  readonly bytes: number;
  readonly files: number;
}

export type FileFinish = 'done' | 'absent' | 'too_many' | 'too_much';

export interface FilesQuery {
  readonly tenant: TenantId;
  /** Null: of any. */
  readonly purpose: string | null;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** An id, exclusive; it need not exist any more. */
  readonly after: string | null;
  /** What had expired by then is left out. */
  readonly now: number;
}

/** A place in the order of `hiddenFiles`. */
export type FileMark = Pick<FileRow, 'createdAt' | 'id'>;

export interface FileRows {
  /** Lays a row down. False, and nothing done, if there is one of that id. */
  putFile(row: FileRow): Promise<boolean>;
  /** A pending row becomes ready, if the tenant's ready files stay within the quota with it. */
  finishFile(tenant: TenantId, id: string, content: FileContent, quota: FileQuota): Promise<FileFinish>;
  /** A row that is neither doomed nor hidden. It may be pending, or have expired. */
  file(tenant: TenantId, id: string): Promise<FileRow | null>;
  /** Ready files without an owner, in order of their ids. */
  files(query: FilesQuery): Promise<readonly FileRow[]>;
  /** Hides the row and erases what it says, its blobs' number aside. False if there is none, or it is doomed already. */
  doomFile(tenant: TenantId, id: string): Promise<boolean>;
  /** Hides a ready row, and erases nothing of it: a hold is in the way. False if there is no ready one. */
  hideFile(tenant: TenantId, id: string): Promise<boolean>;
  /** Hidden ones of every tenant, by when they were begun. */
  hiddenFiles(query: { readonly after: FileMark | null; readonly limit: number }): Promise<readonly FileRow[]>;
  /** Removes a doomed row: its blobs are gone. */
  forgetFile(tenant: TenantId, id: string): Promise<void>;
  /** Of every tenant: the doomed, those expired by `now`, and those pending that were begun before `begunBefore`. */
  unsettledFiles(query: {
    readonly now: number;
    readonly begunBefore: number;
    readonly limit: number;
  }): Promise<readonly FileRow[]>;
}
