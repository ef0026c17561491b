import { piecesOf } from './tokens.ts';
import type { Fields } from './fields.ts';

/** Log probabilities that look like a model's and are made of the text alone: the same piece always weighs the same. */
const ALTERNATIVES = ['one', 'two', 'three', 'four', 'five'];

function weight(text: string): number {
  let sum = 7;
  for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) % 997;
  return -sum / 1000;
}

const tokenOf = (token: string, logprob: number): Fields => ({ token, logprob, bytes: [...Buffer.from(token)] });

/** One entry for each piece of the text, with `top` alternatives, the piece itself first. */
export function logprobsOf(text: string, top: number): readonly Fields[] {
  return piecesOf(text).map(piece => {
    const logprob = weight(piece);
    const others = Array.from({ length: Math.max(0, top - 1) }, (_, index) =>
      tokenOf(ALTERNATIVES[index % ALTERNATIVES.length] ?? '', logprob - 1 - index),
    );
    return { ...tokenOf(piece, logprob), top_logprobs: top === 0 ? [] : [tokenOf(piece, logprob), ...others] };
  });
}
