import type { Usage } from '../log/events.ts';
import { countIn, type Fields, fieldsIn } from './json.ts';

/** The names that a dialect gives to the counts. */
export interface UsageNames {
  readonly input: string;
  readonly inputDetails: string;
  readonly output: string;
  readonly outputDetails: string;
}

/** Usage in our terms; null if either total is missing or no count. A detail that is missing is 0, and never above its total. */
export function readUsage(usage: Fields | null, names: UsageNames): Usage | null {
  if (usage === null) return null;
  const input = countIn(usage, names.input);
  const output = countIn(usage, names.output);
  if (input === null || output === null) return null;
  const detail = (details: string, key: string, total: number) =>
    Math.min(countIn(fieldsIn(usage, details) ?? {}, key) ?? 0, total);
  const written = detail(names.inputDetails, 'cache_write_tokens', input);
  return {
    input,
    cached: detail(names.inputDetails, 'cached_tokens', input),
    output,
    reasoning: detail(names.outputDetails, 'reasoning_tokens', output),
    ...(written > 0 && { written }),
  };
}
