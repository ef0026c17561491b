/**
 * An agent that outlives its server. Without an argument: a session begins whose agent wants to run a command, and a person is asked first.
 * With the id of a session: what happened in it from its beginning on, until it needs somebody or rests, and the files that it made.
 * `docs/first-agent.md` goes through it step by step.
 */
import OpenAI from 'openai';

const url = process.env['PERDURE_URL'] ?? 'http://127.0.0.1:4180';
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['PERDURE_API_KEY'] ?? 'local' });
const { sessions } = client.beta.agents;

const id = process.argv[2] ?? (await begin());
await follow(id);

async function begin(): Promise<string> {
  const model = process.env['PERDURE_MODEL'] ?? (await client.models.list()).data[0]?.id ?? '';
  const ports = 'Harwich 14:20\nHamburg 17:05\n';
  const session = await sessions.create({
    agent: { model, instructions: 'You write reports about tides. Be brief.' },
    environment: {
      type: 'openai_hosted',
      files: [{ type: 'inline', path: '/workspace/ports.txt', data: Buffer.from(ports).toString('base64') }],
    },
    input: 'Use shell {"command":"mkdir -p outputs && sort ports.txt | tee outputs/report.txt"}',
  });
  console.log(`session ${session.id}`);
  return session.id;
}

/** Reads the session's events from the first on: they can be read again from any place, whatever became of the server meanwhile. */
async function follow(session: string): Promise<void> {
  const events = await sessions.events.stream(session, { headers: { 'last-event-id': '0' } });
  for await (const event of events) {
    if (event.type === 'agent.session.turn.item.done') console.log(shown(event.item));
    if (event.type !== 'agent.session.requires_action' && event.type !== 'agent.session.idle') continue;
    console.log(event.type);
    // An earlier wait is passed over.
    if (event.type === `agent.session.${(await sessions.retrieve(session)).status}`) break;
  }
  events.controller.abort();
  for await (const { id: artifact, path } of sessions.artifacts.list(session)) {
    const content = await sessions.artifacts.content(artifact, { session_id: session });
    console.log(`${path}:\n${await content.text()}`);
  }
}

function shown(item: OpenAI.Beta.Agents.AgentSessionItem): string {
  if (item.type === 'command_execution') return `the agent ran: ${item.command}`;
  if (item.type !== 'message') return `the agent did: ${item.type}`;
  return `the ${item.role} says: ${item.content.map(part => ('text' in part ? part.text : `(${part.type})`)).join('')}`;
}
