/**
 * What an approval binds (L7), as one digest: whoever grants it grants exactly this, and nothing of it can be another when the tool starts.
 *
 * Every part is written with its length, so that no two bindings share a text.
 */
import type { Sha256 } from './digest.ts';
import { hex } from './digest.ts';

export interface ApprovalBinding {
  readonly tenant: string;
  readonly session: string;
  /** Of the model's call. */
  readonly callId: string;
  readonly tool: string;
  /** Null where no registered agent runs. */
  readonly agent: { readonly id: string; readonly version: number } | null;
  /** Digest of the tool's definition; null where none was kept. */
  readonly definition: string | null;
  /** Digest of the exact arguments. */
  readonly arguments: string;
}

const FORM = 'perdure/approval/v1';

/** SHA-256, hexadecimal. */
export function bindingDigest(sha256: Sha256, binding: ApprovalBinding): string {
  const { tenant, session, callId, tool, agent, definition, arguments: args } = binding;
  const parts = [FORM, tenant, session, callId, tool, agent?.id, agent && String(agent.version), definition, args];
  return hex(
    sha256(parts.map(part => (part === null || part === undefined ? '-' : `${part.length}:${part}`)).join(' ')),
  );
}

/** Whether a grant of what was shown opens what is there now. */
export function opens(sha256: Sha256, granted: string, now: ApprovalBinding): boolean {
  return bindingDigest(sha256, now) === granted;
}
