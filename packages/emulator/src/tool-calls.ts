import { type Fields, isFields } from './fields.ts';
import type { Prompt, ToolDefinition } from './prompt.ts';
import { fillSchema } from './schema-filler.ts';

export interface ToolCall {
  readonly type: ToolDefinition['type'];
  readonly name: string;
  readonly namespace?: string;
  /** The input of a custom tool, or a JSON text; whatever the message gave is passed on unchecked, so that a test can send wrong arguments. */
  readonly arguments: string;
}

/** One answer holds at most this many calls. */
const MAX_CALLS = 64;

const isNameCode = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 45;

/** A fenced block, within a few words. */
const FENCED = /^[^`\n]{0,80}\s*```[a-z]*\n([\s\S]*?)\n?```/;

/** Whether a tool takes code: then a fenced block after its name is what it is called with. */
function takesCode({ parameters }: ToolDefinition): boolean {
  const properties = isFields(parameters) ? parameters['properties'] : undefined;
  const code = isFields(properties) ? properties['code'] : undefined;
  return isFields(code) && code['type'] === 'string';
}

/** Between the calls of one answer and those of the next: they are made once the first have their outputs. */
const NEXT_STEP = '>>>';

interface Mention {
  readonly tool: ToolDefinition;
  readonly at: number;
  readonly step: number;
}

/** How a tool choice names a tool. */
export const choiceName = ({ name, namespace }: ToolDefinition): string =>
  namespace === undefined ? name : `${namespace}.${name}`;

const inNamespace = ({ namespace }: ToolDefinition): { readonly namespace?: string } =>
  namespace === undefined ? {} : { namespace };

/** Every place where a tool's name stands as a word of its own. What stands in the object behind one is its arguments. */
function mentionsOf(text: string, tools: readonly ToolDefinition[]): readonly Mention[] {
  const byName = new Map(tools.map(tool => [tool.name, tool]));
  const mentions: Mention[] = [];
  let step = 0;
  for (let at = 0; at < text.length && mentions.length < MAX_CALLS; ) {
    if (text.startsWith(NEXT_STEP, at)) {
      step += 1;
      at += NEXT_STEP.length;
      continue;
    }
    if (!isNameCode(text.charCodeAt(at))) {
      at++;
      continue;
    }
    const from = at;
    while (at < text.length && isNameCode(text.charCodeAt(at))) at++;
    const tool = byName.get(text.slice(from, at));
    if (tool === undefined) continue;
    mentions.push({ tool, at: from, step });
    // Names in a program are the program's, and those in an object its values.
    at += takesCode(tool) ? (FENCED.exec(text.slice(at))?.[0].length ?? 0) : 0;
    const given = tool.type === 'custom' ? null : leadingObject(text.slice(at));
    if (given !== null) at = text.indexOf(given, at) + given.length;
  }
  return mentions;
}

/** The JSON object that opens the text, or null. Braces inside its strings do not count. */
function leadingObject(text: string): string | null {
  const open = /^[\s(:]*\{/.exec(text)?.[0];
  if (open === undefined) return null;
  const start = open.length - 1;
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) {
      const found = text.slice(start, at + 1);
      try {
        JSON.parse(found);
        return found;
      } catch {
        return null;
      }
    }
  }
  return null;
}

const typed = (word: string, schema: unknown): unknown => {
  const type = isFields(schema) ? schema['type'] : undefined;
  const types = Array.isArray(type) ? type : [type];
  if ((types.includes('integer') || types.includes('number')) && word !== '' && Number.isFinite(Number(word)))
    return Number(word);
  if (types.includes('boolean') && (word === 'true' || word === 'false')) return word === 'true';
  if (types.includes('null') && word === 'null') return null;
  if (types.includes('array'))
    return word.split(',').map(each => typed(each, isFields(schema) ? schema['items'] : undefined));
  return word;
};

function namedValues(text: string, properties: Fields): Fields {
  const values: Record<string, unknown> = {};
  for (const [, name = '', double, single, bare = ''] of text.matchAll(
    /([\w-]+)=(?:"([^"]*)"|'([^']*)'|([^\s;)]+))/g,
  )) {
    if (Object.hasOwn(properties, name))
      values[name] = typed(double ?? single ?? bare.replace(/[.,!?]+$/, ''), properties[name]);
  }
  return values;
}

/** The input of a custom tool: what stands in backquotes or double quotes after its name, or else the words there. */
function inputFrom(words: string): string {
  const quoted = /^[\s(:]*(?:`([^`]*)`|"([^"]*)")/.exec(words);
  return quoted?.[1] ?? quoted?.[2] ?? words.replace(/^[\s:]+/, '').trimEnd();
}

/** Arguments from the words after a tool's name: a JSON object, or `name=value` pairs over the schema's defaults. */
function argumentsFor(tool: ToolDefinition, words: string): string {
  if (tool.type === 'custom') return inputFrom(words);
  const code = takesCode(tool) ? FENCED.exec(words)?.[1] : undefined;
  if (code !== undefined) return JSON.stringify({ code });
  const given = leadingObject(words);
  if (given !== null) return given;
  const schema = isFields(tool.parameters) ? tool.parameters : {};
  const properties = isFields(schema['properties']) ? schema['properties'] : {};
  const filled = fillSchema({ type: 'object', ...schema }, 'required-only');
  return JSON.stringify({ ...(isFields(filled) ? filled : {}), ...namedValues(words, properties) });
}

const outputsSinceQuestion = (prompt: Prompt): readonly string[] =>
  prompt.turns.flatMap((turn, index) => (index > prompt.questionAt && turn.speaker === 'output' ? [turn.text] : []));

/** `{{2.agent_id}}` stands for that field of the second output since the question. */
function withOutputs(text: string, outputs: readonly string[]): string {
  return text.replaceAll(/\{\{(\d{1,3})\.([\w-]{1,64})\}\}/g, (whole, nth: string, field: string) => {
    try {
      const output: unknown = JSON.parse(outputs[Number(nth) - 1] ?? '');
      const value = isFields(output) ? output[field] : undefined;
      return typeof value === 'string' ? value : whole;
    } catch {
      return whole;
    }
  });
}

/** The line before the result of a call that was pending: it names a tool, and asks for nothing. */
const REPORT = /^(?:Result|Error) of the call \S+ of \S+, which was pending:$/gm;

/** The calls that the prompt asks for, or none. */
export function callsFor(prompt: Prompt): readonly ToolCall[] {
  const { toolChoice, tools, question } = prompt;
  const text = (question ?? '').replaceAll(REPORT, '');
  if (tools.length === 0 || toolChoice.kind === 'none') return [];
  const allowed = toolChoice.kind === 'named' ? tools.filter(tool => choiceName(tool) === toolChoice.name) : tools;
  const mentions = mentionsOf(text, allowed);
  const outputs = outputsSinceQuestion(prompt);
  const calls = mentions.map(({ tool, at, step }, index) => ({
    type: tool.type,
    name: tool.name,
    ...inNamespace(tool),
    arguments: withOutputs(argumentsFor(tool, text.slice(at + tool.name.length, mentions[index + 1]?.at)), outputs),
    step,
  }));
  const first = allowed[0];
  const forced = toolChoice.kind === 'required' || toolChoice.kind === 'named';
  if (calls.length === 0 && forced && first !== undefined)
    calls.push({
      type: first.type,
      name: first.name,
      ...inNamespace(first),
      arguments: argumentsFor(first, text),
      step: 0,
    });
  const asked = prompt.parallelCalls ? calls : calls.slice(0, 1);
  if (new Set(asked.map(({ step }) => step)).size > 1) return nextStep(asked, outputs.length).map(callOf);
  const answered = outputs.length >= asked.length * prompt.directives.rounds;
  return answered && !forced ? [] : asked.map(callOf);
}

type SteppedCall = ToolCall & { readonly step: number };

function callOf({ step: _ours, ...call }: SteppedCall): ToolCall {
  return call;
}

/** The calls of the first step that has not all its outputs. */
function nextStep(calls: readonly SteppedCall[], answered: number): readonly SteppedCall[] {
  const step = calls[answered]?.step;
  return step === undefined ? [] : calls.filter(call => call.step === step);
}
