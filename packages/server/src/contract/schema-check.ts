/** Strict validation of a contract's policies by Cedar itself, against the schema of clauses. */
import type { TemplateLink, ValidationError } from '@cedar-policy/cedar-wasm/nodejs';
import type { Cedar } from './cedar.ts';
import { reportCedarErrors } from './cedar-source.ts';
import type { Report } from './finding.ts';
import type { ContractFiles, Rule } from './rule.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { CONTRACT_SCHEMA } from './schema.ts';

export function validateAgainstSchema(
  cedar: Cedar,
  rules: readonly Rule[],
  files: ContractFiles,
  report: Report,
  schema: string = CONTRACT_SCHEMA,
): void {
  // Keys of our own, since ids may repeat (which is reported elsewhere) and Cedar wants them unique.
  const byKey = new Map<string, Rule>(rules.map((rule, i) => [`rule ${i}`, rule]));
  const staticPolicies: Record<string, string> = {};
  const templates: Record<string, string> = {};
  const templateLinks: TemplateLink[] = [];
  for (const [key, { source, link }] of byKey) {
    if (link === null) {
      staticPolicies[key] = source.text;
      continue;
    }
    const templateId = `template ${source.id}`;
    templates[templateId] = source.text;
    const values = Object.fromEntries([...link.slots].map(([slot, { type, id }]) => [slot, { type, id }]));
    templateLinks.push({ templateId, newId: key, values });
  }
  const answer = cedar.validate({ schema, policies: { staticPolicies, templates, templateLinks } });
  if (answer.type === 'failure') {
    for (const error of answer.errors) {
      report({
        level: 'error',
        code: 'cedar_invalid',
        message: error.message,
        file: MANIFEST_FILE,
        line: null,
        hint: error.help,
      });
    }
    return;
  }
  const seen = new Set<string>();
  const located = (code: 'cedar_invalid' | 'cedar_warning', found: readonly ValidationError[]): void => {
    for (const { policyId, error } of found) {
      const rule = byKey.get(policyId) ?? rules.find(({ source }) => `template ${source.id}` === policyId);
      if (rule === undefined) continue;
      const { source, link, id } = rule;
      // The keys mean nothing to a reader.
      const message = error.message.replace(`for policy \`${policyId}\`, `, `${id}: `);
      // A warning that only repeats an error, or a template's finding for each of its links, says nothing new.
      if (code === 'cedar_warning' && seen.has(source.id)) continue;
      if (code === 'cedar_invalid') seen.add(source.id);
      if (link !== null && code === 'cedar_warning') {
        report({ level: 'warning', code, message, file: MANIFEST_FILE, line: link.line, hint: error.help });
        continue;
      }
      const text = files[source.file] ?? '';
      reportCedarErrors(source.file, text, [{ ...error, message }], offsetOfLine(text, source), report, code);
    }
  };
  located('cedar_invalid', answer.validationErrors);
  located('cedar_warning', answer.validationWarnings);
}

/** Where the policy's text begins in its file. */
function offsetOfLine(text: string, source: { readonly line: number; readonly text: string }): number {
  let offset = 0;
  for (let line = 1; line < source.line; line++) offset = text.indexOf('\n', offset) + 1;
  const at = text.indexOf(source.text, offset);
  return at < 0 ? offset : at;
}
