/** The texts by which parts of a file refer to each other, in so far as they are texts: so that a file with other errors is checked too. */

export interface Sketch {
  readonly homes: readonly { readonly id: string | null }[];
  readonly targets: readonly {
    readonly id: string | null;
    readonly base_url: string | null;
    readonly api_key: string | null;
    readonly priced: 'no' | 'once' | 'twice';
    readonly cloud: string | null;
    readonly region: string | null;
    readonly host_check: string | null;
    readonly model: string | null;
  }[];
  readonly channels: readonly SketchedOffer[];
  readonly products: readonly SketchedOffer[];
  readonly rates: readonly SketchedRate[];
  readonly caps: readonly { readonly id: string | null; readonly product: string | null }[];
  readonly alerts: readonly { readonly id: string | null; readonly secret: string | null }[];
  readonly prompts: readonly { readonly model: string | null }[];
  readonly keys: readonly SketchedKey[];
}

interface SketchedOffer {
  readonly id: string | null;
  readonly rates: readonly SketchedRate[];
}

interface SketchedRate {
  readonly product: string | null;
  readonly channel: string | null;
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
    targets: entries(file['targets'], ['id', 'base_url', 'api_key', 'cloud', 'region', 'host_check', 'model']).map(
      (target, i) => ({
        ...target,
        priced: pricedOf(at(file['targets'], i)),
      }),
    ),
    channels: offers(file['channels']),
    products: offers(file['products']),
    rates: ratesIn(file),
    caps: entries(file['caps'], ['id', 'product']),
    alerts: entries(file['alerts'], ['id', 'secret']),
    prompts: entries(file['prompts'], ['model']),
    keys: entries(file['keys'], ['name', 'hash', 'secret', 'channel', 'product']),
  };
}

function offers(list: unknown): readonly SketchedOffer[] {
  return entries(list, ['id']).map(({ id }, i) => ({ id, rates: ratesIn(at(list, i)) }));
}

function ratesIn(fields: { readonly [name: string]: unknown }): readonly SketchedRate[] {
  return entries(fields['rates'], ['product', 'channel']);
}

function pricedOf({ prices, price_book: book }: { readonly [name: string]: unknown }): 'no' | 'once' | 'twice' {
  const given = [prices, book].filter(one => one !== null && one !== undefined).length;
  return given === 2 ? 'twice' : given === 1 ? 'once' : 'no';
}

function at(list: unknown, i: number): { readonly [name: string]: unknown } {
  return fieldsOf(Array.isArray(list) ? (list[i] as unknown) : null);
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
