/** The server as a library: configuration in, a running server out. */
export { type ComposedServer, type ComposeOptions, composeServer } from './main/compose.ts';
export type {
  ChannelConfig,
  Config,
  HomeConfig,
  KeyConfig,
  Scope,
  TargetConfig,
} from './main/config/config.ts';
export type { Limits, ServerLimits, UpstreamLimits } from './main/config/limits.ts';
export { type LoadedConfig, loadConfig, type ParseOptions, parseConfig } from './main/config/load.ts';
export {
  defineTool,
  type ModuleTool,
  type ToolContext,
  ToolError,
  type ToolResult,
  type ToolSpec,
} from './provider/module-tools/define-tool.ts';
export { ConfigError, type LocatedProblem, problemLine } from './main/config/problem.ts';
