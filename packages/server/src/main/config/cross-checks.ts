/** What one part of a configuration says of another. */
import { didYouMean, knownHint } from '@perdure/protocol';
import { homeTag } from '../../kernel/ids.ts';
import { isLoopback } from '../loopback.ts';
import { LOCAL_HOME } from './defaults.ts';
import { compareHost } from './hosts.ts';
import type { Path, Problem } from './problem.ts';
import type { Sketch, SketchedKey } from './sketch.ts';

export interface CrossContext {
  /** Ids, built-in ones included. */
  readonly channels: readonly string[];
  readonly products: readonly string[];
  readonly interpolated: (path: Path) => boolean;
}

type Named<Key extends string> = { readonly [name in Key]: string | null };

export function crossCheck(file: Sketch, context: CrossContext): readonly Problem[] {
  const { homes, targets, channels, products, keys } = file;
  return [
    ...doubles('homes', 'id', homes),
    ...doubles('targets', 'id', targets),
    ...doubles('channels', 'id', channels),
    ...doubles('products', 'id', products),
    ...doubles('keys', 'name', keys),
    ...sharedNames(file),
    ...tags(homes),
    ...keys.flatMap((key, i) => keyProblems(key, i, context)),
    ...sameKey(keys),
    ...targets.flatMap((target, i) => targetProblems(target, i, context)),
    ...moneyProblems(file, context),
    ...alertProblems(file, context),
    ...targets.flatMap(hostProblems),
    ...promptProblems(file),
  ];
}

const error = (path: Path, message: string): Problem => ({ level: 'error', path, message });
const warning = (path: Path, message: string): Problem => ({ level: 'warning', path, message });

function doubles<Key extends string>(list: string, key: Key, entries: readonly Named<Key>[]): Problem[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, i) => {
    const name: string | null = entry[key];
    if (name === null) return [];
    if (seen.has(name)) return [error([list, i, key], `${name} is given twice`)];
    seen.add(name);
    return [];
  });
}

/** Homes and targets share one space of names: a decision cites them alike. */
function sharedNames({ homes, targets }: Sketch): Problem[] {
  const ids = new Set(homes.length === 0 ? [LOCAL_HOME.id] : homes.map(({ id }) => id));
  return targets.flatMap(({ id }, i) =>
    id !== null && ids.has(id) ? [error(['targets', i, 'id'], `${id} is the name of a home too`)] : [],
  );
}

function tags(homes: Sketch['homes']): Problem[] {
  const byTag = new Map<string, string>();
  return homes.flatMap(({ id }, i) => {
    if (id === null) return [];
    const other = byTag.get(homeTag(id));
    byTag.set(homeTag(id), id);
    if (other === undefined || other === id) return [];
    return [
      error(['homes', i, 'id'], `ids could not tell ${id} and ${other} apart (their tags are the same): rename one`),
    ];
  });
}

function keyProblems(key: SketchedKey, i: number, { channels, products, interpolated }: CrossContext): Problem[] {
  const problems: Problem[] = [];
  if ((key.hash === null) === (key.secret === null)) problems.push(error(['keys', i], 'needs one of hash and secret'));
  if (key.secret !== null && !interpolated(['keys', i, 'secret'])) {
    problems.push(warning(['keys', i, 'secret'], 'stands in the file in plain text: use hash, or ${NAME}'));
  }
  for (const [field, known] of [['channel', channels] as const, ['product', products] as const]) {
    const value = key[field];
    if (value === null || known.includes(value)) continue;
    problems.push(error(['keys', i, field], `there is no ${field} ${value} (${knownHint(value, known)})`));
  }
  return problems;
}

/** Caps and rates that name what there is not count nothing; two ways to give a price could differ. */
function moneyProblems({ caps, rates, products, channels, targets }: Sketch, context: CrossContext): Problem[] {
  const named = (path: Path, field: 'product' | 'channel', value: string | null): Problem[] => {
    const known = field === 'product' ? context.products : context.channels;
    if (value === null || known.includes(value)) return [];
    return [error([...path, field], `there is no ${field} ${value} (${knownHint(value, known)})`)];
  };
  const both = (path: Path, rate: { readonly product: string | null; readonly channel: string | null }): Problem[] => [
    ...named(path, 'product', rate.product),
    ...named(path, 'channel', rate.channel),
  ];
  return [
    ...doubles('caps', 'id', caps),
    ...caps.flatMap(({ product }, i) => named(['caps', i], 'product', product)),
    ...rates.flatMap((rate, i) => both(['rates', i], rate)),
    ...products.flatMap((one, at) => one.rates.flatMap((rate, i) => both(['products', at, 'rates', i], rate))),
    ...channels.flatMap((one, at) => one.rates.flatMap((rate, i) => both(['channels', at, 'rates', i], rate))),
    ...targets.flatMap(({ priced }, i) =>
      priced === 'twice' ? [error(['targets', i, 'price_book'], 'is given beside prices: give one of them')] : [],
    ),
    ...targets.flatMap(({ priced }, i) =>
      priced === 'no' && caps.length > 0
        ? [warning(['targets', i], 'has no prices: what its calls cost counts against no spend cap')]
        : [],
    ),
  ];
}

function alertProblems({ alerts }: Sketch, { interpolated }: CrossContext): Problem[] {
  return [
    ...doubles('alerts', 'id', alerts),
    ...alerts.flatMap(({ secret }, i) =>
      secret !== null && !interpolated(['alerts', i, 'secret'])
        ? [warning(['alerts', i, 'secret'], 'stands in the file in plain text: use ${NAME}')]
        : [],
    ),
  ];
}

/** A model that no target serves: the prompt would be refused wherever the request names none either. */
function promptProblems({ prompts, targets }: Sketch): Problem[] {
  const served = targets.flatMap(({ model }) => (model === null ? [] : [model]));
  return prompts.flatMap(({ model }, i) => {
    if (model === null || served.includes(model)) return [];
    const near = didYouMean(model, served);
    const hint = near === null ? '' : `: did you mean ${near}?`;
    return [warning(['prompts', i, 'model'], `is served by no target${hint}`)];
  });
}

/** One key, two rows: whose it is would depend on their order. */
function sameKey(keys: readonly SketchedKey[]): Problem[] {
  const seen = new Set<string>();
  return keys.flatMap((key, i) => {
    const field = key.hash === null ? 'secret' : 'hash';
    const value = key[field];
    if (value === null) return [];
    if (seen.has(value)) return [error(['keys', i, field], 'is that of another key too')];
    seen.add(value);
    return [];
  });
}

function targetProblems(
  { api_key: key, base_url: url }: Sketch['targets'][number],
  i: number,
  { interpolated }: CrossContext,
): Problem[] {
  if (key === null) return [];
  const problems: Problem[] = [];
  if (!interpolated(['targets', i, 'api_key'])) {
    problems.push(warning(['targets', i, 'api_key'], 'stands in the file in plain text: use ${NAME}'));
  }
  if (url === null || !URL.canParse(url)) return problems;
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !isLoopback(hostname)) {
    problems.push(
      warning(['targets', i, 'base_url'], 'sends the key over a connection that is not encrypted: use https'),
    );
  }
  return problems;
}

/** Where a target says that it is, and where the name of its host says that it is. */
function hostProblems(
  { base_url: url, cloud, region, host_check: check }: Sketch['targets'][number],
  i: number,
): Problem[] {
  if (check === 'off' || url === null || cloud === null || region === null || !URL.canParse(url)) return [];
  const { hostname } = new URL(url);
  // What runs here stands for another place on purpose: an emulator, a tunnel.
  if (isLoopback(hostname)) return [];
  const verdict = compareHost(hostname, { cloud, region });
  // What is not known is noted by `perdure doctor`: it is no mistake, and most gateways are such.
  if (verdict.kind !== 'differs') return [];
  const where =
    verdict.field === 'cloud' ? `at ${verdict.found}, not at ${cloud}` : `in ${verdict.found}, not in ${region}`;
  const help = 'correct it, or say host_check: off if a proxy is behind that name';
  return [error(['targets', i, verdict.field], `${hostname} is ${where}: ${help}`)];
}
