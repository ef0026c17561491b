/** `${NAME}` and `${NAME:-default}` inside values; `$$` is a dollar sign. Values are inserted once and never read again. */

export type Environment = { readonly [name: string]: string | undefined };

export interface Interpolated {
  readonly text: string;
  /** Whether anything came from the environment or a default. */
  readonly changed: boolean;
  /** Messages, without any value of the environment. */
  readonly problems: readonly string[];
}

const PIECE = /\$\$|\$\{([^}]*)(\}?)/g;
const REFERENCE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

export function interpolate(text: string, env: Environment): Interpolated {
  const problems: string[] = [];
  let changed = false;
  const result = text.replaceAll(PIECE, (piece, inside: string | undefined, end: string | undefined) => {
    if (piece === '$$') return '$';
    const match = end === '}' ? REFERENCE.exec(inside ?? '') : null;
    if (match === null) {
      problems.push('has a "${" that begins no ${NAME} or ${NAME:-default}; write "$$" for a dollar sign');
      return '';
    }
    changed = true;
    const [, name = '', fallback] = match;
    const value = env[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) {
      problems.push(`needs the environment variable ${name}, which is not set (or write \${${name}:-default})`);
    }
    return value ?? '';
  });
  return { text: result, changed, problems };
}
