/** `perdure audit`: who changed what, as a table or as JSON lines. */
import { AUDIT_LIMIT, type AuditFilters, type AuditResource } from '@perdure/protocol';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { moment, momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { atGovernDesk, LOCAL } from './govern-desks.ts';

export interface AuditOptions extends ConfigFlags, AuditFilters {
  readonly json?: boolean;
  readonly limit: number;
  readonly after?: number;
}

const HEADER = ['POSITION', 'TIME', 'KIND', 'WHO', 'SUBJECT', 'TENANT', 'WHAT', 'LEAF'];
/** Characters of what a table says of a change. */
const WHAT_CHARS = 60;

export async function audit(options: AuditOptions, io: Io): Promise<ExitCode> {
  const { json, limit, after: start = 0, config, data, ...filters } = options;
  momentOption('perdure audit', '--from', filters.from);
  momentOption('perdure audit', '--to', filters.to);
  const flags = { ...(config !== undefined && { config }), ...(data !== undefined && { data }) };
  const shown: AuditResource[] = [];
  const next = await atGovernDesk(
    flags,
    io,
    async desk => {
      let found = 0;
      for (let after = start; ; ) {
        const page = await desk.audit(LOCAL, { ...filters, limit: Math.min(AUDIT_LIMIT, limit - found), after });
        found += page.data.length;
        if (json === true) for (const one of page.data) printJson(io, one);
        else shown.push(...page.data);
        if (page.next === null || found >= limit) return page.next;
        after = page.next;
        io.err(`${found} found up to position ${after}\n`);
      }
    },
    { scope: 'auditor or operator' },
  );
  if (json !== true) io.out(shown.length === 0 ? 'There are no such entries.\n' : table(HEADER, shown.map(rowOf)));
  if (next !== null) io.err(`There are more: --after ${next}\n`);
  return EXIT.ok;
}

function rowOf({ position, at, actor, actor_name: name, action, subject, tenant, body, leaf }: AuditResource) {
  const who = name === null ? actor : `${name} (${actor.replace(/^key:/, '')})`;
  const sealed = leaf === null ? '-' : String(leaf);
  return [String(position), moment(Math.floor(at / 1000)), action, who, subject, tenant ?? '-', whatOf(body), sealed];
}

/** What people know a thing by, of what it is after the change. All of it is in the JSON. */
function whatOf(body: string): string {
  const after = JSON.parse(body) as { readonly [field: string]: unknown };
  const words = ['name', 'contract', 'clause', 'event', 'month', 'scopes', 'reason', 'source'].flatMap(field => {
    const value = Array.isArray(after[field]) ? after[field].join(' ') : after[field];
    return typeof value === 'string' && value !== '' ? [value] : [];
  });
  const line = words.join(', ').replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
  return line.length > WHAT_CHARS ? `${line.slice(0, WHAT_CHARS - 3)}...` : line || '-';
}
