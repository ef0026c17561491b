/** One connection to one server for one session: it lists, calls, and is closed. */
import type { CallToolResult, Client, Tool } from '@modelcontextprotocol/client';
import type { ToolOutcome, ToolRun } from '../../engine/tools/ports.ts';
import type { JsonObject } from '../../log/events.ts';
import { answered, asksOf, isAnswer, isInputRequired, responseTo, withDeclined } from './elicitation.ts';
import { AnswerTooLargeError } from './guarded-fetch.ts';
import type { McpLimits } from './limits.ts';
import { outcomeOf } from './result.ts';
import { type Scrub, scrubOf } from './scrub.ts';

export const KEY_META = 'perdure/idempotency-key';
/** Pages of a list of tools. */
const PAGES = 64;

export interface ServerTool {
  readonly name: string;
  readonly description: string | null;
  readonly schema: JsonObject;
  /** What the server says of itself; believed only of those that an operator trusts. */
  readonly says: { readonly idempotent: boolean };
}

export interface Listed {
  readonly tools: readonly ServerTool[];
  /** Names of tools that are left out, and why. */
  readonly left: readonly { readonly tool: string; readonly why: string }[];
}

/** A call under way, and what a server asked in the middle of it. */
interface Running {
  readonly run: ToolRun;
  readonly declined: string[];
}

export interface ConnectionOptions {
  readonly client: Client;
  readonly label: string;
  readonly meta: JsonObject;
  readonly limits: McpLimits;
  /** What was sent and must not come back. */
  readonly secrets: () => readonly string[];
  readonly close: () => Promise<void>;
}

export class McpConnection {
  readonly #options: ConnectionOptions;
  readonly #running = new Set<Running>();
  #closed = false;
  #tooLarge = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { client } = options;
    Object.assign(client, {
      onclose: () => void (this.#closed = true),
      onerror: (error: Error) => {
        if (error instanceof AnswerTooLargeError) this.overflowed();
      },
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether an answer was larger than is read. The connection is closed then. */
  get tooLarge(): boolean {
    return this.#tooLarge;
  }

  scrub(): Scrub {
    return scrubOf(this.#options.secrets());
  }

  /** An answer is larger than is read: nothing that comes after it can be made sense of. */
  overflowed(): void {
    this.#tooLarge = true;
    void this.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#options.close();
  }

  /** @param allowed null: all */
  async list(allowed: ReadonlySet<string> | null, signal: AbortSignal): Promise<Listed> {
    const { client, limits, meta } = this.#options;
    if (client.getServerCapabilities()?.tools === undefined) return { tools: [], left: [] };
    const scrub = this.scrub();
    const found = new Map<string, ServerTool>();
    const left: { tool: string; why: string }[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const params = {
        ...(cursor !== undefined && { cursor }),
        ...(Object.keys(meta).length > 0 && { _meta: { ...meta } }),
      };
      const answer = await client.request({ method: 'tools/list', params }, { signal, timeout: limits.connectMs });
      for (const tool of answer.tools) {
        if ((allowed !== null && !allowed.has(tool.name)) || found.has(tool.name)) continue;
        const why = whyLeft(tool, found.size, scrub, limits);
        if (why === null) found.set(tool.name, serverTool(tool, scrub, limits));
        else if (left.length < limits.tools) left.push({ tool: scrub.text(tool.name), why });
      }
      cursor = answer.nextCursor;
      if (cursor === undefined || found.size >= limits.tools) break;
    }
    return { tools: [...found.values()], left };
  }

  /** @throws whatever the connection fails with: what the tool says is an outcome */
  async call({ name: tool, schema }: Pick<ServerTool, 'name' | 'schema'>, run: ToolRun): Promise<ToolOutcome> {
    const { client, label, limits, meta } = this.#options;
    const running: Running = { run, declined: [] };
    this.#running.add(running);
    try {
      const answer = answered(run.answer);
      const result: unknown = await client.callTool(
        { name: tool, arguments: { ...run.arguments }, _meta: { ...meta, [KEY_META]: run.key }, ...answer },
        {
          signal: run.signal,
          timeout: limits.callMs,
          maxTotalTimeout: limits.callMs,
          allowInputRequired: true,
          // Without the schema of results: what a server writes there is not compiled here.
          toolDefinition: { name: tool, inputSchema: { ...schema, type: 'object' } },
          onprogress: ({ message }) => {
            if (message !== undefined) run.show(`${this.scrub().text(message)}\n`);
          },
        },
      );
      const scrub = this.scrub();
      const outcome = isInputRequired(result)
        ? asksOf(result, { server: label, tool }, scrub)
        : outcomeOf(result as CallToolResult, scrub, limits);
      return withDeclined(
        outcome,
        running.declined.map(one => scrub.text(one)),
      );
    } finally {
      this.#running.delete(running);
    }
  }

  /** Of the older protocol: a question in the middle of a call. It is answered only if it is clear whose it is and an answer is at hand. */
  elicited(message: string): { readonly action: 'accept' | 'decline'; readonly content?: Record<string, never> } {
    const [only, ...others] = this.#running;
    // Its answer must be to a question of a server: an approval of the call is none.
    const answer = only !== undefined && others.length === 0 && isAnswer(only.run.answer) ? only.run.answer : null;
    if (answer !== null) return responseTo(answer, null) as never;
    for (const { declined } of this.#running) declined.push(message.slice(0, 1_000));
    return { action: 'decline' };
  }
}

function whyLeft(tool: Tool, before: number, scrub: Scrub, { tools, schemaBytes }: McpLimits): string | null {
  if (before >= tools) return `a server has ${tools} tools at most`;
  // A name is what the tool is called by: it cannot be changed.
  if (scrub.text(tool.name) !== tool.name) return 'its name holds a credential';
  const size = Buffer.byteLength(JSON.stringify(tool.inputSchema));
  return size > schemaBytes ? `its schema has ${size} bytes, ${schemaBytes} are read at most` : null;
}

function serverTool(tool: Tool, scrub: Scrub, { descriptionBytes }: McpLimits): ServerTool {
  const description = tool.description ?? tool.title ?? tool.annotations?.title ?? null;
  return {
    name: tool.name,
    description: description === null ? null : cutDescription(scrub.text(description), descriptionBytes),
    schema: scrub.json(tool.inputSchema as unknown as JsonObject),
    says: { idempotent: tool.annotations?.idempotentHint === true || tool.annotations?.readOnlyHint === true },
  };
}

function cutDescription(given: string, most: number): string {
  const bytes = Buffer.from(given);
  return bytes.length <= most ? given : new TextDecoder().decode(bytes.subarray(0, most), { stream: true });
}
