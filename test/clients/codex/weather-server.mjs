/** An MCP server over stdio with one tool, in as few words as the protocol allows. */
import { createInterface } from 'node:readline';

const tool = {
  name: 'weather_lookup',
  description: 'The weather in a city.',
  inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'weather', version: '1' },
  }),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': ({ arguments: { city } }) => ({ content: [{ type: 'text', text: `It snows in ${city}.` }] }),
  ping: () => ({}),
};

createInterface({ input: process.stdin }).on('line', line => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const answer = answers[method];
  const said =
    answer === undefined ? { error: { code: -32601, message: 'unknown' } } : { result: answer(params ?? {}) };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...said })}\n`);
});
