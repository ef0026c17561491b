/** Arguments of a tool call, as a model wrote them. */
import { parseJsonText } from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';

/** The object that a text holds; null if it holds none. An empty text means no arguments. */
export function parseArguments(text: string): JsonObject | null {
  if (text.trim() === '') return {};
  try {
    const value: unknown = parseJsonText(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}
