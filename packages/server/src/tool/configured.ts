/** The tools that an agent is configured with. */
import type { JsonObject } from '../log/events.ts';

/** As its configuration writes them: protocol's `AgentTool`, which was checked when it came. */
export function toolsOf({ tools }: JsonObject): readonly JsonObject[] {
  return Array.isArray(tools) ? (tools as readonly JsonObject[]) : [];
}
