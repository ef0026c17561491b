import { textTokens } from '../kernel/text-tokens.ts';

export { IMAGE_TOKENS, textTokens } from '../kernel/text-tokens.ts';

/** Tokens of a text of which only the text is at hand. */
export function jsonTokens(text: string): number {
  return textTokens(text, Buffer.byteLength(text, 'utf8'));
}
