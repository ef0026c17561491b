/** Reads TypeScript far enough to know what it imports, and what of it is code. */

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** Statements begin a line (the formatter sees to it); their clause holds no quote, semicolon or bracket but braces. */
const STATIC =
  /^[ \t]*(import|export)(\s+type\b(?!\s*(?:from|,)))?(?:\s*(["'])([^"']+)\3|\s+[\w\s{},*$]*?\bfrom\s*(["'])([^"']+)\5)/gm;
const DYNAMIC = /\bimport\s*\(\s*(?:(["'`])([^"'`$]+)\1\s*[,)]|(?=[^"'`)\s]|["'`][^"'`]*\$))/g;

/** Throws on a dynamic import whose target cannot be read off: it would escape every rule. */
export function importsOf(source: string): readonly Import[] {
  // Comments are blanked, strings are kept: the specifiers are in them.
  const text = blank(source, { strings: false });
  const found: Import[] = [];
  for (const match of text.matchAll(STATIC)) {
    const specifier = match[4] ?? match[6];
    if (specifier === undefined) continue;
    if (match[1] === 'export' && match[4] !== undefined) continue;
    found.push({ specifier, typeOnly: match[2] !== undefined, dynamic: false });
  }
  for (const match of text.matchAll(DYNAMIC)) {
    if (match[2] === undefined)
      throw new Error(
        `a dynamic import of something that is no plain text: ${text.slice(match.index, match.index + 60)}`,
      );
    found.push({ specifier: match[2], typeOnly: false, dynamic: true });
  }
  return found;
}

/** The source with comments and the insides of strings blanked: what is left is code. */
export function codeOf(source: string): string {
  return blank(source, { strings: true });
}

/** After these a slash begins a regular expression, not a division. */
const BEFORE_REGEXP = /(^|[([{,;:=!&|?+\-*%<>~^]|\breturn|\btypeof|\bcase|=>)\s*$/;

function blank(source: string, { strings }: { readonly strings: boolean }): string {
  let out = '';
  let i = 0;
  /** Open braces of each template's `${`, innermost last. */
  const templates: number[] = [];
  const keep = (to: number): void => {
    out += source.slice(i, to);
    i = to;
  };
  const erase = (to: number): void => {
    out += source.slice(i, to).replaceAll(/[^\n]/g, ' ');
    i = to;
  };
  const string = (to: number): void => (strings ? erase(to) : keep(to));
  while (i < source.length) {
    const two = source.slice(i, i + 2);
    const one = source.charAt(i);
    if (two === '//') erase(endOr(source.indexOf('\n', i), source));
    else if (two === '/*') erase(endOr(source.indexOf('*/', i + 2), source, 2));
    else if (one === '"' || one === "'") string(quoteEnd(source, i, one));
    else if (one === '`') i = template(i + 1);
    else if (one === '/' && BEFORE_REGEXP.test(out.slice(-40))) string(regexpEnd(source, i));
    else if (one === '{' && templates.length > 0) {
      templates.push((templates.pop() ?? 0) + 1);
      keep(i + 1);
    } else if (one === '}' && templates.length > 0) {
      const open = templates.pop() ?? 0;
      if (open === 0) i = template(i + 1);
      else {
        templates.push(open - 1);
        keep(i + 1);
      }
    } else keep(i + 1);
  }
  return out;

  /** From inside a template to its end or its next `${`. */
  function template(from: number): number {
    let end = from;
    while (end < source.length && source.charAt(end) !== '`') {
      if (source.charAt(end) === '\\') end += 1;
      else if (source.startsWith('${', end)) {
        string(end + 2);
        templates.push(0);
        return i;
      }
      end += 1;
    }
    string(Math.min(end + 1, source.length));
    return i;
  }
}

function endOr(at: number, source: string, width = 0): number {
  return at < 0 ? source.length : at + width;
}

function quoteEnd(source: string, from: number, quote: string): number {
  for (let i = from + 1; i < source.length; i++) {
    if (source.charAt(i) === '\\') i += 1;
    else if (source.charAt(i) === quote) return i + 1;
  }
  return source.length;
}

function regexpEnd(source: string, from: number): number {
  let inClass = false;
  for (let i = from + 1; i < source.length; i++) {
    const char = source.charAt(i);
    if (char === '\\') i += 1;
    else if (char === '\n') return i;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return i + 1;
  }
  return source.length;
}
