/** The schema of perdure.yaml for editors: `perdure.schema.json` is this, printed. */
import * as z from 'zod';
import { fileSchema } from './schema.ts';

/** A value that the environment gives is written as text, whatever it stands for. */
const FROM_ENVIRONMENT = { type: 'string', pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}' } as const;

export function configJsonSchema(): string {
  const schema = z.toJSONSchema(fileSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      const { type, description, ...rest } = jsonSchema;
      if (type !== 'number' && type !== 'integer' && type !== 'boolean') return;
      for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
      if (description !== undefined) jsonSchema.description = description;
      jsonSchema.anyOf = [{ type, ...rest }, FROM_ENVIRONMENT];
    },
  });
  const titled = {
    $schema: schema.$schema,
    title: 'perdure.yaml',
    description: 'The configuration of a Perdure server.',
    ...schema,
  };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
