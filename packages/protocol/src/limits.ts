/**
 * Every bound that the wire sets on a request, in one place. A request beyond one of them gets 400 `invalid_request` (413 for
 * the body), never a truncated result. Texts count UTF-16 code units, as JSON schema's `maxLength` does in practice.
 */
export const LIMITS: {
  /** Bytes of a request body. */
  readonly bodyBytes: number;
  /** Nesting of arrays and objects inside a body. */
  readonly jsonDepth: number;
  /** Values inside a body, keys aside: what a parser may have to look at. */
  readonly jsonNodes: number;
  /** Input items of one request. */
  readonly inputItems: number;
  /** Items added to a conversation by one request. */
  readonly conversationItems: number;
  /** Parts of one item's content, or of a tool's output. */
  readonly contentParts: number;
  readonly textChars: number;
  readonly imageUrlChars: number;
  readonly fileDataChars: number;
  readonly urlChars: number;
  readonly nameChars: number;
  readonly descriptionChars: number;
  /** The definition of a custom tool's grammar. */
  readonly grammarChars: number;
  /** `reasoning.mode`. */
  readonly modeChars: number;
  readonly idChars: number;
  readonly callIdChars: number;
  readonly annotations: number;
  readonly tools: number;
  readonly include: number;
  readonly contextManagement: number;
  /** The least `compact_threshold`, tokens. */
  readonly minCompactTokens: number;
  readonly metadataPairs: number;
  readonly metadataKeyChars: number;
  readonly metadataValueChars: number;
  /** `prompt_cache_key`. */
  readonly keyChars: number;
  /** `safety_identifier`. */
  readonly safetyChars: number;
  readonly userChars: number;
  /** Variables of one prompt. */
  readonly promptVariables: number;
  /** A variable of a prompt that is a text. */
  readonly promptValueChars: number;
  /** Tokens that a chat may bias. */
  readonly logitBias: number;
  /** Choices of one chat completion: each is a model call of its own. */
  readonly choices: number;
  readonly minOutputTokens: number;
  readonly maxOutputTokens: number;
  readonly toolCalls: number;
  readonly topLogprobs: number;
  readonly chatMessages: number;
  readonly stopSequences: number;
  readonly stopChars: number;
  readonly idempotencyKeyChars: number;
  readonly listLimit: number;
  readonly listDefault: number;
  readonly whatIfSessions: number;
  readonly whatIfContracts: number;
  /** Labels, events or rights that one hypothetical call supposes. */
  readonly explainSupposed: number;
  /** Files of one contract that is activated. */
  readonly contractFiles: number;
  /** Of an activation, a waiver, an event's source. */
  readonly reasonChars: number;
} = {
  bodyBytes: 32 * 1024 * 1024,
  jsonDepth: 64,
  jsonNodes: 250_000,
  inputItems: 10_000,
  conversationItems: 20,
  contentParts: 1_000,
  textChars: 10 * 1024 * 1024,
  imageUrlChars: 20 * 1024 * 1024,
  fileDataChars: 32 * 1024 * 1024,
  urlChars: 8_192,
  nameChars: 256,
  descriptionChars: 1024 * 1024,
  grammarChars: 256 * 1024,
  modeChars: 64,
  idChars: 256,
  callIdChars: 64,
  annotations: 1_000,
  tools: 128,
  include: 32,
  contextManagement: 8,
  minCompactTokens: 1_000,
  metadataPairs: 16,
  metadataKeyChars: 64,
  metadataValueChars: 512,
  keyChars: 64,
  safetyChars: 128,
  userChars: 256,
  promptVariables: 64,
  promptValueChars: 1024 * 1024,
  logitBias: 1_024,
  choices: 8,
  minOutputTokens: 16,
  maxOutputTokens: 100_000_000,
  toolCalls: 10_000,
  topLogprobs: 20,
  chatMessages: 10_000,
  stopSequences: 4,
  stopChars: 1_024,
  idempotencyKeyChars: 255,
  listLimit: 100,
  listDefault: 20,
  whatIfSessions: 100,
  whatIfContracts: 32,
  explainSupposed: 64,
  contractFiles: 200,
  reasonChars: 1_024,
};

/** Names of functions and of JSON schemas. */
export const TOOL_NAME: RegExp = /^[a-zA-Z0-9_-]{1,64}$/;
