/** The templates of a deployment, as one tenant finds them. */
import { type ExpandPrompt, promptNotFound } from '@perdure/protocol';
import { expandTemplate } from './expand.ts';
import type { PromptTemplate } from './template.ts';

export interface Prompts {
  /** Expands for a tenant. Another tenant's template looks like none (L10); a tenant's own hides everybody's of the same id. */
  for(tenant: string): ExpandPrompt;
}

interface Versions {
  readonly byVersion: ReadonlyMap<string, PromptTemplate>;
  /** The preferred one, else the last. */
  readonly usual: PromptTemplate;
}

/** @param mostBytes what the items of a request may come to with those of its prompt, as JSON has them */
export function makePrompts(templates: readonly PromptTemplate[], mostBytes: number): Prompts {
  const owned = new Map<string | null, Map<string, Versions>>();
  for (const [tenant, ofTenant] of Map.groupBy(templates, one => one.tenant)) {
    const byId = new Map<string, Versions>();
    for (const [id, versions] of Map.groupBy(ofTenant, one => one.id)) {
      const usual = versions.find(({ preferred }) => preferred) ?? versions.at(-1);
      if (usual !== undefined) byId.set(id, { byVersion: new Map(versions.map(one => [one.version, one])), usual });
    }
    owned.set(tenant, byId);
  }
  return {
    for: tenant => (reference, own) => {
      const { id, version, variables } = reference;
      const versions = owned.get(tenant)?.get(id) ?? owned.get(null)?.get(id);
      if (versions === undefined) return promptNotFound({ id });
      const template = version === undefined ? versions.usual : versions.byVersion.get(version);
      if (template === undefined) return promptNotFound(reference);
      return expandTemplate(template, variables, mostBytes - Buffer.byteLength(JSON.stringify(own)));
    },
  };
}
