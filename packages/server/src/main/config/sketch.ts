/** The texts by which parts of a file refer to each other, in so far as they are texts: so that a file with other errors is checked too. */

export interface Sketch {
  readonly homes: readonly { readonly id: string | null }[];
  readonly targets: readonly {
    readonly id: string | null;
    readonly base_url: string | null;
    readonly api_key: string | null;
    readonly cloud: string | null;
    readonly region: string | null;
    readonly host_check: string | null;
  }[];
  readonly channels: readonly { readonly id: string | null }[];
  readonly products: readonly { readonly id: string | null }[];
  readonly keys: readonly SketchedKey[];
}

export interface SketchedKey {
  readonly name: string | null;
  readonly hash: string | null;
  readonly secret: string | null;
  readonly channel: string | null;
  readonly product: string | null;
}

export function sketchOf(value: unknown): Sketch {
  const file = fieldsOf(value);
  return {
    homes: entries(file['homes'], ['id']),
    targets: entries(file['targets'], ['id', 'base_url', 'api_key', 'cloud', 'region', 'host_check']),
    channels: entries(file['channels'], ['id']),
    products: entries(file['products'], ['id']),
    keys: entries(file['keys'], ['name', 'hash', 'secret', 'channel', 'product']),
  };
}

function entries<Name extends string>(
  list: unknown,
  names: readonly Name[],
): readonly { readonly [name in Name]: string | null }[] {
  if (!Array.isArray(list)) return [];
  return list.map(entry => {
    const fields = fieldsOf(entry);
    const texts = names.map(name => [name, typeof fields[name] === 'string' ? fields[name] : null]);
    return Object.fromEntries(texts) as { readonly [name in Name]: string | null };
  });
}

function fieldsOf(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : {};
}
