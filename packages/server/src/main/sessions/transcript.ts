/** What was said and done in a session, as lines that people read. */
import { type Json, type JsonObject, textOf } from '../../log/events.ts';

/** Characters of one text; the rest is in `--json`. */
const TEXT_CHARS = 4_000;

/** What a model or a tool says may hold anything: nothing of it steers a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '');
}

/** The lines of one item; none for what says nothing. */
export function itemLines(item: JsonObject): readonly string[] {
  switch (item['type']) {
    case 'message':
      return told(textOf(item['role']), partsText(item['content']));
    case 'agent_message':
      return told(
        `${textOf(item['sender_agent_id'])} to ${textOf(item['recipient_agent_id'])}`,
        partsText(item['content']),
      );
    case 'reasoning':
      return told('thinks', partsText(item['summary']));
    case 'function_call':
      return told('calls', `${textOf(item['name'])} ${JSON.stringify(item['arguments'] ?? null)}${ending(item)}`);
    case 'function_call_output':
      return told('gave', resultOf(item));
    case 'mcp_call': {
      const name = `${textOf(item['server_label'])}.${textOf(item['name'])}`;
      return [...told('calls', `${name} ${JSON.stringify(item['arguments'] ?? null)}${ending(item)}`), ...gave(item)];
    }
    case 'command_execution': {
      const code = item['exit_code'];
      const end = typeof code === 'number' ? [`  [exit code ${code}]`] : told('', ending(item));
      return [...told('runs', textOf(item['command'])), ...told('', textOf(item['output'])), ...end];
    }
    default:
      return told(textOf(item['type']).replace(/_call$/, ''), `${between(item)}${ending(item)}`);
  }
}

function gave(item: JsonObject): readonly string[] {
  return item['output'] == null && item['error'] == null ? [] : told('gave', resultOf(item));
}

/** What is said of it is over but did not end well. */
function ending(item: JsonObject): string {
  const status = textOf(item['status']);
  return status === 'completed' || status === 'in_progress' ? '' : ` [${status}]`;
}

function resultOf({ output = null, error = null }: JsonObject): string {
  if (error !== null) return `error: ${plain(error)}`;
  return Array.isArray(output) ? partsText(output) : plain(output);
}

const plain = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Of what agents do with each other: to whom, and what. */
function between(item: JsonObject): string {
  const to = item['agent_id'] ?? item['recipient_agent_id'] ?? item['recipient_agent_ids'] ?? '';
  const said = partsText(item['content']);
  return `${Array.isArray(to) ? to.map(textOf).join(' ') : textOf(to)}${said === '' ? '' : `: ${said}`}`;
}

function partsText(parts: Json | undefined): string {
  if (!Array.isArray(parts)) return '';
  return (parts as readonly JsonObject[])
    .map(part => (typeof part['text'] === 'string' ? part['text'] : `[${textOf(part['type'])}]`))
    .join('\n');
}

/** `who: text`, its later lines below its first. */
function told(who: string, text: string): readonly string[] {
  if (text === '') return [];
  const all = printable(text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)} [...]` : text).replace(/\n+$/, '');
  const [first = '', ...rest] = all.split('\n');
  return [who === '' ? `  ${first}` : `${who}: ${first}`, ...rest.map(line => `  ${line}`)];
}
