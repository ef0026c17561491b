/**
 * The tables of a home's file, as a list of migrations. A migration that was released is never changed: a new one is added.
 *
 * Q1  Events lie in the order of their commits (`e`), never clustered by session: pages fill up and a group of appends shares them. That
 *     order is the outbox. `(n, seq)` is unique: it fences writes (L3).
 * Q2  Sessions and names are small numbers everywhere but in their own table.
 * Q3  Projections point at events and never copy payloads. Those whose whole row is its key lie in the key's own tree
 *     (WITHOUT ROWID): one page is touched where a rowid table with an index would touch two.
 * Q4  Released steps lie in the order of their commits, without any index: the writer remembers which rows are whose.
 * Q5  Payloads lie apart from their envelopes, so that the pages of both fill up: a page's end is too short for many a payload, and for no
 *     envelope. A payload's digest lies with it and stays when it is erased (L13).
 */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

const LOG = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE names (k INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE sessions (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  t INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  open INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  wake_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  owner TEXT,
  digest BLOB NOT NULL,
  state TEXT
);
CREATE INDEX sessions_open ON sessions (id) WHERE open = 1;
CREATE INDEX sessions_due ON sessions (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE events (
  e INTEGER PRIMARY KEY,
  n INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  code INTEGER NOT NULL,
  version INTEGER NOT NULL,
  digest BLOB NOT NULL,
  head TEXT NOT NULL
);
CREATE UNIQUE INDEX events_place ON events (n, seq);
CREATE TABLE payloads (e INTEGER PRIMARY KEY, digest BLOB, salt BLOB, payload TEXT);

CREATE TABLE responses (
  id TEXT PRIMARY KEY,
  n INTEGER NOT NULL,
  status INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  position INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX responses_of ON responses (n);

CREATE TABLE runs (
  n INTEGER NOT NULL,
  position INTEGER NOT NULL,
  count INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  base TEXT,
  deleted TEXT,
  PRIMARY KEY (n, position)
) WITHOUT ROWID;
CREATE INDEX runs_base ON runs (base) WHERE base IS NOT NULL;

CREATE TABLE forks (
  n INTEGER NOT NULL,
  child TEXT NOT NULL,
  upto INTEGER NOT NULL,
  PRIMARY KEY (n, child)
) WITHOUT ROWID;

CREATE TABLE placements (t INTEGER NOT NULL, e INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (t, e)) WITHOUT ROWID;

CREATE TABLE journal (
  j INTEGER PRIMARY KEY,
  n INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  call INTEGER NOT NULL,
  steps TEXT NOT NULL
);

CREATE TABLE documents (d INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE leases (owner TEXT PRIMARY KEY, until INTEGER NOT NULL, ttl_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

const CONTROL = `
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  channel TEXT NOT NULL,
  segment TEXT NOT NULL,
  product TEXT NOT NULL,
  scopes TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency (
  i INTEGER PRIMARY KEY,
  slot TEXT NOT NULL UNIQUE,
  body_digest TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  done INTEGER NOT NULL
);
`;

const RECORDS = `
CREATE TABLE control_records (
  r INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX control_records_kind ON control_records (kind, r);

CREATE TABLE audit (
  a INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  tenant TEXT,
  body TEXT NOT NULL,
  digest TEXT NOT NULL
);
`;

const FILES = `
CREATE TABLE files (
  id TEXT PRIMARY KEY,
  t INTEGER NOT NULL,
  owner TEXT,
  owner_seq INTEGER,
  purpose TEXT NOT NULL,
  filename TEXT NOT NULL,
  type TEXT NOT NULL,
  labels TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  bytes INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  digest TEXT NOT NULL,
  status INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_listed ON files (t, id) WHERE status = 1 AND owner IS NULL;
CREATE INDEX files_sum ON files (t, bytes) WHERE status = 1;
CREATE INDEX files_owned ON files (owner, owner_seq) WHERE owner IS NOT NULL;
CREATE INDEX files_unsettled ON files (created_at) WHERE status <> 1;
CREATE INDEX files_expiring ON files (expires_at) WHERE expires_at IS NOT NULL;
`;

/** Responses by tenant and age, and the sessions that hold something deleted and not erased: what the retention sweep reads. */
const RETENTION = `
ALTER TABLE responses ADD COLUMN t INTEGER NOT NULL DEFAULT 0;
ALTER TABLE responses ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE responses SET
  t = (SELECT t FROM sessions WHERE n = responses.n),
  at = (SELECT at FROM events WHERE n = responses.n AND seq = from_seq);
CREATE INDEX responses_age ON responses (t, at) WHERE status <> 6;
CREATE TABLE erasures (n INTEGER PRIMARY KEY);
INSERT INTO erasures (n) SELECT DISTINCT n FROM responses WHERE status = 6;
`;

const RESOURCES = `
CREATE TABLE resources (
  r INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  parent TEXT,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  wake_at INTEGER,
  body TEXT NOT NULL
);
CREATE INDEX resources_listed ON resources (kind, tenant, id);
CREATE INDEX resources_of ON resources (kind, tenant, parent, id) WHERE parent IS NOT NULL;
CREATE INDEX resources_due ON resources (kind, wake_at) WHERE wake_at IS NOT NULL;
`;

/** What a key that signs requests is known by, and its sealed secret. */
const SIGNING = `
ALTER TABLE keys ADD COLUMN signing TEXT;
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: LOG },
  { version: 2, sql: CONTROL },
  { version: 3, sql: RECORDS },
  { version: 4, sql: FILES },
  { version: 5, sql: RETENTION },
  { version: 6, sql: RESOURCES },
  { version: 7, sql: SIGNING },
];

/** 'Prdr': says in the file's header whose file it is. */
export const APPLICATION_ID = 0x50726472;

export const SESSION_KINDS = ['responses', 'conversation', 'stateless', 'agent'] as const;

/** File status -> stored number: its index. Append only. */
export const FILE_STATUSES = ['pending', 'ready', 'doomed', 'hidden'] as const;

/** Response status -> stored number: its index. Append only; `deleted` is the store's own, and an index names its number. */
export const RESPONSE_STATUSES = [
  'queued',
  'in_progress',
  'completed',
  'incomplete',
  'failed',
  'cancelled',
  'deleted',
] as const;
export const DELETED: number = RESPONSE_STATUSES.indexOf('deleted');
