/** What of an answer its reader sees: `include` asks for what is left out otherwise, and deltas may be padded. The log keeps all of it. */
import type { Json, JsonObject, LoggedItem } from '../log/events.ts';

export interface OutputView {
  /** Values of `include`. */
  readonly include: readonly string[];
  /** Whether deltas are padded (`stream_options.include_obfuscation`). */
  readonly padded: boolean;
}

/** The view that a request asked for, from its settings as they are stored. */
export function viewOf(settings: JsonObject): OutputView {
  const { include, stream_options: options } = settings;
  const padded = isObject(options) && options['include_obfuscation'] === true;
  return { include: Array.isArray(include) ? include.filter(one => typeof one === 'string') : [], padded };
}

/** The item as `include` lets it be seen; the item itself if nothing is left out. */
export function shownItem(item: LoggedItem, include: readonly string[]): LoggedItem {
  if (item.type === 'reasoning') {
    if (item['encrypted_content'] === undefined || include.includes('reasoning.encrypted_content')) return item;
    const { encrypted_content: _sealed, ...rest } = item;
    return rest;
  }
  if (item.type !== 'message' || include.includes('message.output_text.logprobs')) return item;
  const content = item['content'];
  if (!Array.isArray(content) || !content.some(hasLogprobs)) return item;
  return { ...item, content: content.map(part => (hasLogprobs(part) ? { ...part, logprobs: [] } : part)) };
}

/** An item of a request's input, as its list shows it: what an image holds is shown only if it was asked for. */
export function shownInput(item: LoggedItem, include: readonly string[]): LoggedItem {
  const shown = shownItem(item, include);
  const content = shown['content'];
  if (include.includes('message.input_image.image_url') || !Array.isArray(content) || !content.some(isImage))
    return shown;
  return { ...shown, content: content.map(part => (isImage(part) ? { ...part, image_url: null } : part)) };
}

const PADDED_TO = 16;
const PADDING = 'xR7mQ2wKp9sVb4nL';

/** What brings a delta's JSON to a multiple of 16 characters: made of its length alone, so that a stream regenerates byte for byte (O1). */
export function paddingOf(deltaJson: string): string {
  return PADDING.slice(0, (PADDED_TO - (deltaJson.length % PADDED_TO)) % PADDED_TO);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasLogprobs(part: Json): part is JsonObject {
  return isObject(part) && Array.isArray(part['logprobs']) && part['logprobs'].length > 0;
}

function isImage(part: Json): part is JsonObject {
  return isObject(part) && part['type'] === 'input_image';
}
