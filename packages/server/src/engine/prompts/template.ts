/** Templates of prompts: texts with places for variables, as `{{name}}`. Pure. */

/** A piece of a template's text: text, or the place of a variable. */
export type Piece = string | { readonly variable: string };
export type TemplateText = readonly Piece[];

export type TemplateRole = 'system' | 'developer' | 'user' | 'assistant';

export interface PromptTemplate {
  readonly id: string;
  readonly version: string;
  /** Whose it is; null: everybody's. */
  readonly tenant: string | null;
  /** Whether it is used where a request names no version. */
  readonly preferred: boolean;
  readonly model: string | null;
  readonly instructions: TemplateText | null;
  readonly messages: readonly { readonly role: TemplateRole; readonly content: TemplateText }[];
}

const OPEN = '{{';
const CLOSE = '}}';
/** What the name of a variable looks like. */
export const VARIABLE_NAME: RegExp = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** Places for variables in one text. */
export const TEMPLATE_PLACES = 100;

export type ReadText =
  | { readonly ok: true; readonly text: TemplateText }
  | { readonly ok: false; readonly problem: string };

/** Reads a text of a template. Two opening braces begin a place, always; braces elsewhere are text. */
export function readTemplateText(written: string): ReadText {
  const pieces: Piece[] = [];
  let places = 0;
  let at = 0;
  for (let open = written.indexOf(OPEN); open !== -1; open = written.indexOf(OPEN, at)) {
    const close = written.indexOf(CLOSE, open);
    if (close === -1) return bad(written, open, 'is not closed');
    const variable = written.slice(open + OPEN.length, close);
    if (!VARIABLE_NAME.test(variable))
      return bad(written, open, 'holds no name: up to 64 letters, digits, "_" and "-", a letter first');
    places += 1;
    if (places > TEMPLATE_PLACES) return bad(written, open, `is one too many: a text may have ${TEMPLATE_PLACES}`);
    if (open > at) pieces.push(written.slice(at, open));
    pieces.push({ variable });
    at = close + CLOSE.length;
  }
  if (at < written.length) pieces.push(written.slice(at));
  return { ok: true, text: pieces };
}

function bad(written: string, open: number, what: string): ReadText {
  const line = written.slice(0, open).split('\n').length;
  return { ok: false, problem: `the place for a variable in line ${line} of the text ${what}` };
}

/** The names of a template's variables. */
export function variablesOf({
  instructions,
  messages,
}: Pick<PromptTemplate, 'instructions' | 'messages'>): Set<string> {
  const pieces = [...(instructions ?? []), ...messages.flatMap(({ content }) => content)];
  return new Set(pieces.flatMap(piece => (typeof piece === 'string' ? [] : [piece.variable])));
}
