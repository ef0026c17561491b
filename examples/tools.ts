/**
 * A function tool, round trip: the model asks for a call, this program makes it, the answer goes back. The turn waits in the log
 * meanwhile, so the second request could come from another process, days later.
 */
import OpenAI from 'openai';

const url = process.env['PERDURE_URL'] ?? 'http://127.0.0.1:4180';
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['PERDURE_API_KEY'] ?? 'local' });
const model = process.env['PERDURE_MODEL'] ?? (await client.models.list()).data[0]?.id ?? '';

const tools: OpenAI.Responses.FunctionTool[] = [
  {
    type: 'function',
    name: 'tide',
    description: 'High water at a port today.',
    parameters: {
      type: 'object',
      properties: { port: { type: 'string' } },
      required: ['port'],
      additionalProperties: false,
    },
    strict: true,
  },
];

/** What the tool does. A real one would ask somebody. */
function tide({ port }: { readonly port: string }): string {
  return `High water at ${port} is at 14:20.`;
}

const asked = await client.responses.create({ model, tools, input: 'When is high water? Use tide {"port":"Bergen"}.' });
const outputs = asked.output.flatMap((item): OpenAI.Responses.ResponseInputItem[] => {
  if (item.type !== 'function_call') return [];
  console.log(`the model calls ${item.name}(${item.arguments})`);
  const output = tide(JSON.parse(item.arguments) as { port: string });
  return [{ type: 'function_call_output', call_id: item.call_id, output }];
});
const answered = await client.responses.create({ model, tools, input: outputs, previous_response_id: asked.id });
console.log(answered.output_text);
