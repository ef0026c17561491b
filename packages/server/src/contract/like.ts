/**
 * Cedar's `like`. A pattern is a list of `"Wildcard"` and `{Literal: text}`; a wildcard matches any run of characters.
 * Literals hold whole characters, so matching UTF-16 units never splits one.
 */
export function likeMatcher(pattern: readonly unknown[]): ((text: string) => boolean) | null {
  const pieces: string[] = [''];
  for (const element of pattern) {
    const literal = literalOf(element);
    if (element === 'Wildcard') pieces.push('');
    else if (literal !== null) pieces[pieces.length - 1] += literal;
    else return null;
  }
  const [head = '', ...rest] = pieces;
  const tail = rest.pop();
  if (tail === undefined) return text => text === head;
  return text => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    const end = text.length - tail.length;
    let from = head.length;
    for (const piece of rest) {
      const at = text.indexOf(piece, from);
      if (at < 0 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  };
}

function literalOf(element: unknown): string | null {
  if (typeof element !== 'object' || element === null || !('Literal' in element)) return null;
  return typeof element.Literal === 'string' ? element.Literal : null;
}
