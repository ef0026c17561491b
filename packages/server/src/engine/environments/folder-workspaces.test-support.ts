/** Workspaces in a temporary folder, with the plain shell: real files and commands, kept in by nothing. For tests alone. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostWorkspace } from '../../main/worker/host-workspace.ts';
import type { Workspace, WorkspaceSpec } from '../tools/ports.ts';
import type { WorkspaceHost } from './desk.ts';

export class FolderWorkspaces implements WorkspaceHost {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'perdure-workspaces-'));
  readonly opened: WorkspaceSpec[] = [];
  /** Ids of those in which a server runs. */
  readonly serves: Set<string> = new Set();

  path({ tenant, id }: Pick<WorkspaceSpec, 'tenant' | 'id'>): string {
    return join(this.folder, tenant, id);
  }

  has(of: Pick<WorkspaceSpec, 'tenant' | 'id'>): boolean {
    return existsSync(this.path(of));
  }

  async open(spec: WorkspaceSpec): Promise<Workspace> {
    this.opened.push(spec);
    const root = this.path(spec);
    mkdirSync(root, { recursive: true });
    return hostWorkspace({ root, env: { PATH: process.env['PATH'], ...spec.env } });
  }

  async serving(_: WorkspaceSpec['tenant'], id: string): Promise<boolean> {
    return this.serves.has(id);
  }

  async destroy(tenant: WorkspaceSpec['tenant'], id: string): Promise<void> {
    rmSync(this.path({ tenant, id }), { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
