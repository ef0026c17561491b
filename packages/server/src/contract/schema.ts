/**
 * Of the schema below, recorded with every decision. It grows when facts are added, removed or come to mean something else.
 * 1: the call, its session, the place and the time. 2: recorded events, rights of first refusal, spend to date. 3: the tool that runs, and where
 * data goes. 4: the agent, the key that asks and its scopes, the target itself, and what the session has done so far.
 */
export const FACTS_VERSION = 4;

/** The vocabulary of clauses, as a Cedar schema. `contracts/schema.cedarschema` is its published copy; a test keeps them equal. */
export const CONTRACT_SCHEMA: string = `// What a clause can speak about. Clauses are validated against this, strictly, when a contract is loaded.
// Facts, version ${FACTS_VERSION}.
entity Vendor, Cloud, Tenant;
// A place: where a model, a session's state, a tool or a destination is. Named by its region.
// Where the model or the accelerator is not known (a home has neither), a clause that asks for it fails, and so denies.
entity Region in [Cloud] {
  id: String,               // of the target or the home, as the operator calls it
  model: String,            // of a target: the name that callers ask for
  accelerator: String,      // of a target
  jurisdiction: String,
  sovereignty: String,      // "commercial" | "gov" | whatever the operator's places say
  clearances: Set<String>,  // labels that the place may hold
};
entity Product in [Vendor] { kind: String };       // "api" | "runtime"
entity Channel { seller: Vendor, kind: String };   // "direct" | "third-party"
// Labels are those of all that the session has read. A call that no state is held for is an ephemeral session.
// Where the key or its scopes are not known (the key was revoked, or nobody asks), a clause that asks for them fails, and so denies.
entity Session in [Tenant] {
  labels: Set<String>,
  key: String,          // id of the key in whose name it is asked, no secret; "local" where no keys are asked for
  scopes: Set<String>,  // of that key, now
};

// What a session did with its state. A retrospective reading is told what it did in all, a clause what it had done before the call.
type Use = { turns: Long, itemsRead: Long, memoryReads: Long, toolsRun: Long, filesTouched: Long };
// Rights of first refusal that concern the product, by the state of their last offer. One that was never offered is in no set.
type FirstRefusal = {
  offered: Set<String>,   // and not answered yet
  accepted: Set<String>,
  declined: Set<String>,
  lapsed: Set<String>,    // not answered by the deadline
};
// Of the tenant, before this call, in micro-USD: 5 dollars are 5000000. Where it is not known, a clause that asks fails, and so denies.
type Spend = {
  month: Long,  // in the calendar month of \`at\`, UTC
  total: Long,
};
// Of a session of an agent. Of others there is none: ask with \`has\`.
type Agent = {
  id: String,
  version: Long,  // 1 for one that came with the session
};
type Call = {
  vendor: Vendor,       // of the model
  product: Product,
  channel: Channel,
  segment: String,      // the buyer: "commercial" | "us-gov" | "us-natsec"
  purpose: String,      // "turn" "subagent" "review" "compaction" "memory" "embedding" "eval" "lab" "shadow" "probe"
  stateHeld: Bool,      // the runtime holds state for the caller (stored response, conversation, session)
  labels: Set<String>,  // of this request's own content
  at: datetime,
  events: Set<String>,  // recorded events whose date is at or before \`at\`: "agi-verified" "ipo-filed" "injunction" ...
  firstRefusal: FirstRefusal,
  spend: Spend,
  agent?: Agent,
};

// A definition: a reading is the set of policies that permit this action. What they do not permit is stateful.
action stateless appliesTo { principal: Session, resource: Product, context: { call: Call, use: Use } };
// Clauses on what is done where. class: "stateless" | "stateful", under the session's reading.
action infer, place_state appliesTo {
  principal: Session,
  resource: Region,
  context: { call: Call, class: String, use: Use },
};
// A tool that runs there.
type Tool = {
  name: String,    // as the model calls it
  origin: String,  // "builtin" | "module" | "mcp"
};
action execute appliesTo {
  principal: Session,
  resource: Region,
  context: { call: Call, class: String, use: Use, tool: Tool },
};
// Where data goes that leaves.
type Destination = {
  host: String,  // as it is named, or as the pattern that lets it through: "*" is any
  use: String,   // "mcp" | "web" | "command" | "file" | "traces"
};
action egress appliesTo {
  principal: Session,
  resource: Region,
  context: { call: Call, class: String, use: Use, destination: Destination },
};
// Clauses on who may sell what.
action distribute appliesTo {
  principal: Channel,
  resource: Product,
  context: { segment: String, at: datetime, events: Set<String>, firstRefusal: FirstRefusal },
};
`;

export const PLACE_ACTIONS = ['infer', 'place_state', 'execute', 'egress'] as const;
export type PlaceAction = (typeof PLACE_ACTIONS)[number];

/** Words that string attributes of the schema are compared with. */
export const VOCABULARY: Readonly<Record<string, readonly string[]>> = {
  segment: ['commercial', 'us-gov', 'us-natsec'],
  purpose: ['turn', 'subagent', 'review', 'compaction', 'memory', 'embedding', 'eval', 'lab', 'shadow', 'probe'],
  class: ['stateless', 'stateful'],
  kind: ['api', 'runtime', 'direct', 'third-party'],
  origin: ['builtin', 'module', 'mcp'],
  use: ['mcp', 'web', 'command', 'file', 'traces'],
};

/** Clouds whose misspelling is worth a warning. Others are allowed. */
export const WELL_KNOWN_CLOUDS: readonly string[] = ['azure', 'aws', 'gcp', 'oracle', 'coreweave', 'local', 'openai'];

/** How the makers of clouds are called: a contract names them as parties, and their clouds otherwise. */
export const CLOUD_OF_VENDOR: Readonly<Record<string, string>> = { amazon: 'aws', microsoft: 'azure', google: 'gcp' };

/** Events whose misspelling is worth a warning. Others are allowed. */
export const WELL_KNOWN_EVENTS: readonly string[] = ['agi-verified', 'ipo-filed', 'injunction'];
