/**
 * A conversation that the server remembers: each turn names the one before it and sends only what is new. Any OpenAI client will do;
 * only the base URL is Perdure's. The answer's header names the placement: where the call ran, and by which clause.
 */
import { createPerdureClient } from '@perdure/client';
import OpenAI from 'openai';

const url = process.env['PERDURE_URL'] ?? 'http://127.0.0.1:4180';
const apiKey = process.env['PERDURE_API_KEY'] ?? 'local';
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey });
const perdure = createPerdureClient({ baseURL: url, apiKey });

const model = process.env['PERDURE_MODEL'] ?? (await client.models.list()).data[0]?.id ?? '';

let previous: string | null = null;
for (const input of [
  'Our ship is called Ada. She leaves Bergen on Tuesday.',
  'She carries 40 tonnes of dried fish. When does Ada leave Bergen?',
  'How many tonnes of fish does she carry?',
]) {
  const { data, response }: { data: OpenAI.Responses.Response; response: Response } = await client.responses
    .create({ model, input, previous_response_id: previous })
    .withResponse();
  previous = data.id;
  const placement = await perdure.placements.get(response.headers.get('perdure-placement') ?? '');
  console.log(`> ${input}`);
  console.log(data.output_text);
  console.log(
    `  ran on ${placement.target?.cloud ?? 'no cloud'} (${placement.target?.id ?? 'nowhere'}), state in home ${placement.home ?? 'none'}\n`,
  );
}
