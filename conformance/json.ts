/** JSON as it comes over the wire: nothing about its form is taken for granted. */

export type Json = { readonly [name: string]: unknown };

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as { readonly [step: string | number]: unknown })[step]
        : undefined,
    value,
  );

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
};

export const listAt = (value: unknown, ...path: readonly (string | number)[]): readonly Json[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter(isJson) : [];
};

/** Each value inside with its path, as `/output/0/phase`. */
export function* walk(value: unknown, path = ''): Generator<readonly [path: string, name: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield [`${path}/${name}`, name, inner];
    yield* walk(inner, `${path}/${name}`);
  }
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The text of all messages in a response's output. */
export const outputText = (response: unknown): string =>
  listAt(response, 'output')
    .filter(item => item['type'] === 'message')
    .flatMap(item => listAt(item, 'content'))
    .map(part => textAt(part, 'text'))
    .join('');

export const callsOf = (response: unknown): readonly Json[] =>
  listAt(response, 'output').filter(item => item['type'] === 'function_call');
