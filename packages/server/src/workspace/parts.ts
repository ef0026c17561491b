/** What one workspace is made with. */
import type { Isolation, WorkspaceSpec } from '../engine/tools/ports.ts';
import type { Owner } from './files/folder.ts';
import type { Layout } from './layout.ts';
import type { WorkspaceLimits } from './limits.ts';
import type { EdgeCredentials } from './network/credentials.ts';
import type { EdgeDefences } from './network/edge-defences.ts';
import type { Egress } from './network/proxy.ts';
import type { Defences } from './sandbox/defences.ts';
import type { Place } from './sandbox/launch.ts';
import type { Shared } from './shared.ts';
import type { Turns } from './turns.ts';

export interface WorkspaceParts {
  readonly layout: Layout;
  readonly owner: Owner;
  readonly trash: string;
  readonly limits: WorkspaceLimits;
  readonly isolation: Isolation;
  /** Null where there is no bubblewrap; `why` says why. */
  readonly place: Place | null;
  readonly why: string | null;
  readonly network: {
    readonly blocked: readonly string[];
    readonly egress: Egress;
    readonly credentials?: (spec: WorkspaceSpec) => EdgeCredentials | null;
    readonly taken?: EdgeDefences;
    readonly tag: string;
  };
  readonly taken: Defences;
  readonly started: ((pid: number) => void) | undefined;
  readonly turns: Turns;
  readonly using: <T>(act: (shared: Shared) => Promise<T>) => Promise<T>;
  /** What runs on the whole server. */
  readonly runs: Set<AbortController>;
  /** Of them, the servers. */
  readonly servers: Set<AbortController>;
  readonly unique: () => string;
}
