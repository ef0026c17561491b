/** Words of clauses beside those of a configuration: one that is nearly a configured one was likely meant to be it. */
import { didYouMean } from '@perdure/protocol';
import { CEDAR_HERE } from '../contract/cedar-here.ts';
import type { Finding } from '../contract/finding.ts';
import { MANIFEST_FILE } from '../contract/manifest.ts';
import { mentionsOf } from '../contract/mentions.ts';
import type { ContractFiles } from '../contract/rule.ts';
import type { Config } from './config/config.ts';

type Words = Pick<Config, 'homes' | 'targets' | 'products' | 'channels' | 'keys'>;

/** What clauses call a thing, where its words are, and how many of them are no mistake. */
function kindsOf({
  homes,
  targets,
  products,
  channels,
  keys,
}: Words): readonly (readonly [string, string, string[]])[] {
  const places = [...homes, ...targets];
  const labels = places.flatMap(({ clearances }) => clearances);
  return [
    ['product', 'call.product.id', products.map(({ id }) => id)],
    ['tenant', 'session.tenant', keys.map(({ tenant }) => tenant)],
    ['vendor', 'call.vendor', targets.map(({ vendor }) => vendor)],
    ['vendor', 'call.product.vendor', products.map(({ vendor }) => vendor)],
    ['vendor', 'call.channel.seller', channels.flatMap(({ seller }) => seller ?? [])],
    ['channel', 'call.channel.id', channels.map(({ id }) => id)],
    ['region', 'place.region', places.map(({ region }) => region)],
    ['sovereignty', 'place.sovereignty', places.map(({ sovereignty }) => sovereignty)],
    ['label', 'session.labels', labels],
    ['label', 'call.labels', labels],
    ['label', 'place.clearances', labels],
  ];
}

/** Findings about one contract. A word that is like no configured one is none: a contract may name what is not configured yet. */
export function wordsBeside(folder: string, files: ContractFiles, config: Words): readonly Finding[] {
  const { facts } = mentionsOf(files, CEDAR_HERE);
  const found = new Map<string, Finding>();
  for (const [kind, path, words] of kindsOf(config)) {
    for (const word of facts.get(path)?.constants ?? []) {
      if (typeof word !== 'string' || words.includes(word)) continue;
      const near = didYouMean(word, new Set(words));
      if (near === null) continue;
      const message = `no ${kind} is called ${JSON.stringify(word)} in the configuration`;
      const { file, line } = placeOf(word, files);
      const at = { file: `${folder}/${file}`, line };
      found.set(message, {
        level: 'warning',
        code: 'word_not_configured',
        message,
        ...at,
        hint: `did you mean ${near}?`,
      });
    }
  }
  return [...found.values()];
}

/** The first line that has the word, in quotes. */
function placeOf(word: string, files: ContractFiles): Pick<Finding, 'file' | 'line'> {
  for (const [file, text] of Object.entries(files)) {
    const at = file.endsWith('.cedar') ? text.indexOf(JSON.stringify(word)) : -1;
    if (at >= 0) return { file, line: text.slice(0, at).split('\n').length };
  }
  return { file: MANIFEST_FILE, line: null };
}
