/** What a `response.steer` frame may hold: user messages, and nothing else. */
import { type InputItem, isJsonObject, parseCreateResponse } from '@perdure/protocol';
import type { Fields } from './frames.ts';

export type SteerInput =
  | { readonly ok: true; readonly items: readonly InputItem[] }
  | { readonly ok: false; readonly message: string };

const FRAME_FIELDS: ReadonlySet<string> = new Set(['previous_response_id', 'input']);
const MESSAGE_FIELDS: ReadonlySet<string> = new Set(['type', 'role', 'content']);
const PARTS: ReadonlySet<unknown> = new Set(['input_text', 'input_image', 'input_file']);

/** Reads the input of a steering frame, its `type` taken off. */
export function readSteerInput(body: Fields): SteerInput {
  const field = Object.keys(body).find(name => !FRAME_FIELDS.has(name));
  if (field !== undefined) return refused(`A response.steer event takes no '${field.slice(0, 64)}'.`);
  const { input } = body;
  if (typeof input !== 'string' && !Array.isArray(input))
    return refused("'input' must be a text or a list of messages.");
  if (input.length === 0) return refused("'input' must not be empty.");
  const fault = typeof input === 'string' ? null : input.map(faultOf).find(one => one !== null);
  if (fault != null) return refused(fault);
  // The schema of `response.create` has the last word on content.
  const parsed = parseCreateResponse({ model: 'm', input });
  return parsed.ok ? { ok: true, items: parsed.value.input } : refused(parsed.error.message);
}

function refused(message: string): SteerInput {
  return { ok: false, message };
}

function faultOf(item: unknown): string | null {
  if (!isJsonObject(item)) return "'input' holds something that is no message.";
  const { type, role, content }: Fields = item;
  if (type !== undefined && type !== 'message') return 'Steering takes messages only.';
  if (role !== 'user') return "Steering takes messages of the role 'user' only.";
  const field = Object.keys(item).find(name => !MESSAGE_FIELDS.has(name) && item[name] !== null);
  if (field !== undefined) return `A steering message takes no '${field.slice(0, 64)}'.`;
  if (typeof content === 'string') return null;
  if (!Array.isArray(content)) return "A message's 'content' must be a text or a list of parts.";
  return content.every(part => isJsonObject(part) && PARTS.has(part['type']))
    ? null
    : 'A steering message holds text, images and files only.';
}
