/** The prompt templates of a server, as its tenants see them. */
import { perdureError, type PromptSource } from '@perdure/protocol';
import { fillIn, type PromptTemplate } from './template.ts';

/** By the tenant that asks. */
export type Prompts = (tenant: string) => PromptSource;

/** @param templates as configured; of one id and tenant the versions in their order */
export function makePrompts(templates: readonly PromptTemplate[]): Prompts {
  return tenant => {
    return ({ id, version, variables }) => {
      // A tenant's own template hides one of that id that all have.
      const named = templates.filter(one => one.id === id);
      const own = named.filter(one => one.tenant === tenant);
      const versions = own.length > 0 ? own : named.filter(one => one.tenant === null);
      if (versions.length === 0) throw notFound('prompt.id', 'There is no prompt template of that id.');
      const template =
        version === null
          ? (versions.find(one => one.isDefault) ?? versions.at(-1))
          : versions.find(one => one.version === version);
      if (template === undefined) throw notFound('prompt.version', 'The prompt template has no such version.');
      return { version: template.version, model: template.model, ...fillIn(template, variables) };
    };
  };
}

function notFound(param: string, message: string): Error {
  return perdureError('not_found', message, { param });
}
