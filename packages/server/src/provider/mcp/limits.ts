/** What a session may ask of MCP servers. Each bound is explicit; what is over is left out, cut, or refused, and never silently. */
export interface McpLimits {
  /** Servers a session. */
  readonly servers: number;
  /** Tools a server, after its allow-list. */
  readonly tools: number;
  /** UTF-8 bytes of one tool's schema as JSON. */
  readonly schemaBytes: number;
  /** UTF-8 bytes of one tool's description: what is over is cut. */
  readonly descriptionBytes: number;
  /** UTF-8 bytes of what the model is shown of one result, images as they are sent. */
  readonly resultBytes: number;
  /** Bytes of one answer of a server on the wire, or of one line of a process. */
  readonly wireBytes: number;
  /** To reach a server, agree on a version and list its tools; ms. */
  readonly connectMs: number;
  /** One call; ms. */
  readonly callMs: number;
  /** How long a list of tools is taken as it was; ms. */
  readonly listMs: number;
  /** Lists of tools that are kept. */
  readonly lists: number;
  /** UTF-8 bytes of all of them, as JSON. */
  readonly listBytes: number;
  /** Servers that run on this host at once, of all sessions. */
  readonly processes: number;
}

export const MCP_LIMITS: McpLimits = {
  servers: 16,
  tools: 256,
  schemaBytes: 64 * 1024,
  descriptionBytes: 8 * 1024,
  resultBytes: 1024 * 1024,
  wireBytes: 16 * 1024 * 1024,
  connectMs: 10_000,
  callMs: 120_000,
  listMs: 60_000,
  lists: 1_000,
  listBytes: 64 * 1024 * 1024,
  processes: 64,
};
