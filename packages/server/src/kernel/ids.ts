/**
 * Ids sort by time and carry the home that made them, so that any process finds the right store without a lookup.
 *
 *   resp_ + time (10) + home (4) + random (14)        Crockford base 32, lower case
 *
 * The home is a hint: a moved session keeps its id, and the old home answers with the move. Clients treat all of it as opaque.
 * Ids of items and placements are not drawn but derived from their place in the log (`partId`), so that replaying a turn
 * cannot make a second one.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Branded<'tenant'>;
export type SessionId = Branded<'session'>;
export type ResponseId = Branded<'response'>;
export type HomeId = Branded<'home'>;

/** What an id is of. `sess` and `conv` share a body: a conversation is a session seen through the wire. */
export type IdPrefix =
  | 'sess'
  | 'conv'
  | 'resp'
  | 'chatcmpl'
  | 'itms'
  | 'req'
  | 'key'
  | 'proc'
  | 'act'
  | 'wvr'
  | 'evt'
  | 'cfg'
  | 'hld'
  | 'cls'
  | 'rst'
  | 'file'
  | 'agent'
  | 'vault'
  | 'cred'
  | 'auto'
  | 'inv'
  | 'env'
  | 'envt'
  | 'wkt';

/** Draws ids. `home` is the tag of `homeTag`. */
export interface Ids {
  next(prefix: IdPrefix, home: string): string;
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const HOME_CHARS = 4;
const RANDOM_CHARS = 14;
export const ID_BODY_CHARS: number = TIME_CHARS + HOME_CHARS + RANDOM_CHARS;
const BODY = new RegExp(`^[0-9a-hjkmnp-tv-z]{${ID_BODY_CHARS}}$`);

/** Writes a non-negative integer in `chars` base-32 digits; throws if it does not fit. */
export function base32(value: number, chars: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < chars; i++) {
    text = (ALPHABET[rest % 32] ?? '0') + text;
    rest = Math.floor(rest / 32);
  }
  if (rest !== 0 || value < 0 || !Number.isInteger(value))
    throw new RangeError(`${value} does not fit ${chars} base-32 digits`);
  return text;
}

/** Reads base-32 digits; -1 if any is none. */
export function fromBase32(text: string): number {
  let value = 0;
  for (const char of text) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return -1;
    value = value * 32 + digit;
  }
  return value;
}

/** The four characters by which ids name a home: 20 bits of FNV-1a. Config refuses two homes with one tag. */
export function homeTag(home: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < home.length; i++) {
    hash ^= home.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return base32((hash ^ (hash >>> 20)) & 0xfffff, HOME_CHARS);
}

/**
 * The usual `Ids`. Within one millisecond the random part counts upward, so that ids of one process stay in order.
 * @param randomBytes fills an array with unpredictable bytes (`crypto.getRandomValues`)
 */
export function makeIds(clock: { now(): number }, randomBytes: (into: Uint8Array) => Uint8Array): Ids {
  const bytes = new Uint8Array(RANDOM_CHARS);
  let last = -1;
  let digits: number[] = [];
  return {
    next(prefix, home) {
      const now = Math.max(clock.now(), last);
      if (now === last) {
        increment(digits);
      } else {
        last = now;
        randomBytes(bytes);
        // The top digit stays below 16, so that counting upward cannot overflow within a millisecond.
        digits = Array.from(bytes, (byte, i) => (i === 0 ? byte & 15 : byte & 31));
      }
      let random = '';
      for (const digit of digits) random += ALPHABET[digit] ?? '0';
      return `${prefix}_${base32(now, TIME_CHARS)}${home}${random}`;
    },
  };
}

function increment(digits: number[]): void {
  for (let i = digits.length - 1; i >= 0; i--) {
    const digit = (digits[i] ?? 0) + 1;
    digits[i] = digit & 31;
    if (digit < 32) return;
  }
}

/** The part of an id after its prefix, or null if it is not an id of ours with that prefix. */
export function idBody(id: string, prefix: string): string | null {
  if (id.length !== prefix.length + 1 + ID_BODY_CHARS || !id.startsWith(`${prefix}_`)) return null;
  const body = id.slice(prefix.length + 1);
  return BODY.test(body) ? body : null;
}

/** The home tag inside the body of an id. */
export function bodyHome(body: string): string {
  return body.slice(TIME_CHARS, TIME_CHARS + HOME_CHARS);
}

/** The same body with the tag of another home. */
export function withHome(body: string, tag: string): string {
  return `${body.slice(0, TIME_CHARS)}${tag}${body.slice(TIME_CHARS + HOME_CHARS)}`;
}

/** The moment, in ms since 1970, at which the id was drawn. */
export function bodyTime(body: string): number {
  return fromBase32(body.slice(0, TIME_CHARS));
}

const PART_CHARS = 2;
const INDEX_CHARS = 3;
/** Parts of a turn: 0 is its input, n its nth call. The last is of what no call made: its compaction, and outputs that came too late. */
export const MAX_PARTS: number = 32 ** PART_CHARS - 1;
/** Calls that the ids of a turn can tell apart, those of its items as well as those of its placements: so a turn makes no more. */
export const MAX_TURN_CALLS: number = MAX_PARTS - 1;
/** Items that one part can hold. */
export const MAX_PART_ITEMS: number = 32 ** INDEX_CHARS - 1;

/** The id of the item at `index` of part `part` of the turn (or addition) whose id body is `body`. */
export function itemId(kind: string, body: string, part: number, index: number): string {
  return `${kind}_${body}${base32(part, PART_CHARS)}${base32(index, INDEX_CHARS)}`;
}

/** Where an item is, read off its id; null if it is no item id of ours. */
export function parseItemId(id: string): { kind: string; body: string; part: number; index: number } | null {
  const at = id.indexOf('_');
  const rest = id.slice(at + 1);
  if (at < 1 || rest.length !== ID_BODY_CHARS + PART_CHARS + INDEX_CHARS) return null;
  const body = rest.slice(0, ID_BODY_CHARS);
  const part = fromBase32(rest.slice(ID_BODY_CHARS, ID_BODY_CHARS + PART_CHARS));
  const index = fromBase32(rest.slice(ID_BODY_CHARS + PART_CHARS));
  if (!BODY.test(body) || part < 0 || index < 0) return null;
  return { kind: id.slice(0, at), body, part, index };
}

/** The id of the placement of call `part` of the turn whose id body is `body`; part 0 is the placement of its state. */
export function placementId(body: string, part: number): string {
  return `plc_${body}${base32(part, PART_CHARS)}`;
}

const SEQ_CHARS = 7;
const TOOL_PLACEMENT = new RegExp(`^plc_([0-9a-z]{${ID_BODY_CHARS}})([0-9a-z]{${SEQ_CHARS}})$`);

/** The id of the placement of a tool's run: it says in which session, and at which event it lies. */
export function toolPlacementId(session: SessionId, seq: number): string {
  return `plc_${session.slice('sess_'.length)}${base32(seq, SEQ_CHARS)}`;
}

/** The event that such an id names; null if it is none. */
export function parseToolPlacementId(id: string): { readonly body: string; readonly seq: number } | null {
  const [, body = '', rest = ''] = TOOL_PLACEMENT.exec(id) ?? [];
  const seq = body === '' || !BODY.test(body) ? -1 : fromBase32(rest);
  return seq < 1 ? null : { body, seq };
}

/** The turn and call that a placement id names, or null. */
export function parsePlacementId(id: string): { body: string; part: number } | null {
  if (!id.startsWith('plc_') || id.length !== 4 + ID_BODY_CHARS + PART_CHARS) return null;
  const body = id.slice(4, 4 + ID_BODY_CHARS);
  const part = fromBase32(id.slice(4 + ID_BODY_CHARS));
  return BODY.test(body) && part >= 0 ? { body, part } : null;
}
