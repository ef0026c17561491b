/**
 * Calls of shells and patches, and their outputs, as function calls: no target is offered such a tool, but every model understands a
 * history of functions with these names.
 */
import type { LoggedItem } from '../log/events.ts';
import { stringIn } from './json.ts';

const NAMES: { readonly [type: string]: string } = {
  local_shell_call: 'local_shell',
  shell_call: 'shell',
  apply_patch_call: 'apply_patch',
};
const OUTPUTS: ReadonlySet<string> = new Set(Object.keys(NAMES).map(type => `${type}_output`));

/** The item itself, or the function call or output that says the same. */
export function asFunction(item: LoggedItem): LoggedItem {
  const name = NAMES[item.type];
  const { id } = item;
  const call_id = stringIn(item, 'call_id') ?? '';
  if (name !== undefined) {
    const said = JSON.stringify(item['action'] ?? item['operation'] ?? {});
    return { type: 'function_call', id, call_id, name, arguments: said };
  }
  if (!OUTPUTS.has(item.type)) return item;
  const { output, status } = item;
  // A patch without words says how it went by its status.
  const said = typeof output === 'string' ? output : JSON.stringify(output ?? { status: status ?? 'completed' });
  return { type: 'function_call_output', id, call_id, output: said };
}
