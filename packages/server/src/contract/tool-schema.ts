/** The vocabulary of permissions, as a Cedar schema. `permissions/schema.cedarschema` is its published copy; a test keeps them equal. */
export const TOOL_SCHEMA: string = `// What a permission can speak about. Policies are validated against this, strictly, when they are loaded.
entity Tenant;
entity Agent { name: String, version: Long };  // name: "" if it has none
// Who asks: a key, by its id.
entity Principal in [Tenant] { agent: Agent };
entity Server, Module;                         // of MCP, of this server's own
// As the model calls it. Anybody may give a tool a name: who trusts one asks for its origin too.
entity Tool in [Server, Module] {
  origin: String,      // "builtin" | "client" | "mcp" | "module"
  name: String,        // its name where it runs: on the MCP server
  idempotent: Bool,    // running it twice is running it once
};
// Arguments by name. Names are not known beforehand, so they are tags: ask hasTag first.
entity Texts tags String;
entity Numbers tags Long;        // whole numbers only
entity Flags tags Bool;
entity Lists tags Set<String>;   // lists of texts
type Arguments = {
  names: Set<String>,  // of all top-level arguments, whatever their type
  text: Texts,
  number: Numbers,
  flag: Flags,
  list: Lists,
  json: String,        // all of them, fields in order, no spaces
};
type Call = {
  args: Arguments,
  command?: String,    // the argument of that name, if it is a text
  path?: String,       // the same, without "." and ".."
  url?: String,
  host?: String,       // of url
  caller: String,      // "direct": the model; "programmatic": a program that it wrote
  session: String,
  labels: Set<String>, // of all that the session has read
  at: datetime,
};

// call_tool: a forbid denies, else a permit permits. ask_for_tool: else a permit asks a person.
// auto_approve: under auto_review, a permit says yes to what would be asked.
action call_tool, ask_for_tool, auto_approve appliesTo { principal: Principal, resource: Tool, context: Call };
`;

/** Words that `origin` is compared with. */
export const TOOL_ORIGINS: readonly string[] = ['builtin', 'client', 'mcp', 'module'];
