/** Money terms of contracts that are configured together: words that the whole set and the configuration know, terms that nothing counts for. */
import { CEDAR_HERE } from '../contract/cedar-here.ts';
import type { Finding } from '../contract/finding.ts';
import { type LocatedManifest, MANIFEST_FILE, parseManifest } from '../contract/manifest.ts';
import { mentionsOf } from '../contract/mentions.ts';
import { type TermProblem, termReport } from '../contract/money-terms-check.ts';
import {
  checkTermWords,
  cloudsOfTerms,
  joinWords,
  nearest,
  ownWords,
  type TermWord,
  vendorsOfTerms,
  type Words,
} from '../contract/money-words.ts';
import type { ContractFiles } from '../contract/rule.ts';
import type { Config } from './config/config.ts';

export type TermPlaces = Pick<Config, 'targets' | 'products' | 'channels' | 'events'>;

/** @param files of contracts that load @param config null where nothing is configured: then only words are compared */
export function checkTermsTogether(files: readonly ContractFiles[], config: TermPlaces | null): readonly Finding[] {
  const contracts = files.flatMap(one => {
    const located = parseManifest(one[MANIFEST_FILE] ?? '', () => undefined);
    if (located === null) return [];
    return [{ located, own: ownWords(located.manifest, mentionsOf(one, CEDAR_HERE)) }];
  });
  const words = joinWords([...contracts.map(({ own }) => own), ...(config === null ? [] : [configuredWords(config)])]);
  return contracts.flatMap(({ located, own }) => {
    const alone = new Set(slips(located, own).map(keyOf));
    const slipped = slips(located, words);
    const told = new Set([...alone, ...slipped.map(keyOf)]);
    const unmatched = config === null ? [] : unmatchedTerms(located, config, told);
    const found = [...slipped.filter(one => !alone.has(keyOf(one))), ...unmatched];
    return found.map(one => ({ ...one, file: `${located.manifest.id}/${one.file}` }));
  });
}

function configuredWords({ targets, products, events }: TermPlaces): Words {
  return {
    clouds: targets.map(({ cloud }) => cloud),
    vendors: [...targets, ...products].map(({ vendor }) => vendor),
    events: events.map(({ id }) => id),
  };
}

function slips(located: LocatedManifest, words: Words): readonly Finding[] {
  const findings: Finding[] = [];
  checkTermWords(located, words, finding => void findings.push(finding));
  return findings;
}

/** What is told by itself is not told again of the set. */
function keyOf({ line, message }: Finding): string {
  return `${line} ${message}`;
}

/** Terms that count what is configured nowhere. A contract may come before its targets: a warning. */
function unmatchedTerms(
  located: LocatedManifest,
  { targets, products, channels }: TermPlaces,
  told: ReadonlySet<string>,
): readonly Finding[] {
  const findings: Finding[] = [];
  const at = termReport(located, finding => void findings.push(finding));
  const miss = (words: readonly TermWord[], known: readonly string[], what: (word: string) => string): void => {
    const all = [...new Set(known)].toSorted();
    for (const { kind, index, id, path, word } of words) {
      if (all.includes(word)) continue;
      const near = nearest(word, all);
      const hint = near === null ? `there are: ${all.join(', ') || 'none'}` : `did you mean ${near}?`;
      const problem: TermProblem = { level: 'warning', code: 'term_unmatched', path, message: what(word), hint };
      at(kind, index, id, problem);
    }
  };
  const untold = (words: readonly TermWord[], what: string): readonly TermWord[] =>
    words.filter(({ word }) => ![...told].some(one => one.endsWith(`: no ${what} is called ${word}`)));
  miss(
    untold(cloudsOfTerms(located.manifest), 'cloud'),
    targets.map(({ cloud }) => cloud),
    cloud => `no configured target is on ${cloud}: nothing counts`,
  );
  miss(
    untold(vendorsOfTerms(located.manifest), 'vendor'),
    targets.map(({ vendor }) => vendor),
    vendor => `no configured target has a model of ${vendor}: nothing counts`,
  );
  const scoped = (key: 'product' | 'channel'): readonly TermWord[] =>
    located.manifest.caps.flatMap(({ id, scope }, index) => {
      const word = scope[key];
      return word === null ? [] : [{ kind: 'caps', index, id, path: ['scope', key], word }];
    });
  for (const [key, known] of [
    ['product', products],
    ['channel', channels],
  ] as const) {
    const ids = known.map(({ id }) => id);
    miss(scoped(key), ids, word => `no configured ${key} is ${word}: nothing counts`);
  }
  return findings;
}
