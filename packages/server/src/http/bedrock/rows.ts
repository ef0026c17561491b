/** Operations that are served under a second address too: the same handlers, the same scopes. */

/** What Bedrock Managed Agents documents, and where it is served. */
const PREFIX = '/openai';
const OPERATIONS: ReadonlySet<string> = new Set([
  'POST /v1/agents/sessions',
  'GET /v1/agents/sessions',
  'GET /v1/agents/sessions/:id',
  'DELETE /v1/agents/sessions/:id',
  'POST /v1/agents/sessions/:id/events',
  'GET /v1/agents/sessions/:id/events',
  'GET /v1/agents/sessions/:id/items',
]);

/** The rows again, those that are among the operations, under the prefix. */
export function underPrefix<Row extends readonly [method: string, path: string, ...rest: readonly unknown[]]>(
  rows: readonly Row[],
  prefix: string,
  operations: ReadonlySet<string>,
): readonly Row[] {
  return rows
    .filter(([method, path]) => operations.has(`${method} ${path}`))
    .map(([method, path, ...rest]) => [method, prefix + path, ...rest] as unknown as Row);
}

export function underBedrock<Row extends readonly [method: string, path: string, ...rest: readonly unknown[]]>(
  rows: readonly Row[],
): readonly Row[] {
  return underPrefix(rows, PREFIX, OPERATIONS);
}

/** Whether requests to the path may be signed. */
export function isBedrock(path: string): boolean {
  return path.startsWith(`${PREFIX}/`);
}
