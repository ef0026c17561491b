/** What the emulated model says: sentences to put in, and what to expect back (see the emulator's README). */

export const DOG = 'My dog is called Rex.';
export const WHICH_DOG = 'What is my dog called?';
export const RECALLED: string = recalled(DOG);
export const FORGOTTEN = 'Nothing that I was sent answers that.';

export function recalled(sentence: string): string {
  return `From what I was sent: "${sentence}"`;
}

/** An answer without the mark of its cloud. */
export function said({ output_text }: { readonly output_text: string }): string {
  return output_text.replace(/^\[emulated [a-z-]+\] /, '');
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
