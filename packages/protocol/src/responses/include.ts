/** `include`: what of an answer is shown only to who asks for it. */
import type { Includable } from './settings.ts';

const INCLUDABLE: ReadonlySet<string> = new Set<Includable>([
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
  'message.input_image.image_url',
]);

const isIncludable = (value: string): value is Includable => INCLUDABLE.has(value);

/** Those of the values that mean something here, each once. */
export function includablesOf(values: readonly string[]): readonly Includable[] {
  return [...new Set(values.filter(isIncludable))];
}
