/**
 * A record taken apart as text. Parsing is most of what a replay costs, and most of a record is what thousands of others say too: so only the
 * numbers that differ from call to call are read, and the rest is compared as the text that it is.
 *
 * T1  Cuts are found by keys that stand where `RECORD_KEYS` puts them. In JSON a bare quote is never inside a text, so that such a key is one,
 *     and what could come before it holds no key of the same name with a value of the same kind. A record in any other order is not taken apart.
 * T2  Records with the same `kind` and `marks` differ in `at`, `b`, `input`, `output` and what lies between the other bounds, and in nothing else.
 */
export interface RecordText {
  /** What clauses are told and what must be able to be done, without time and counts. */
  kind: string;
  /** What was decided, and the clauses and contracts that it says. */
  marks: string;
  /** The version of the snapshot. */
  version: string;
  at: number;
  input: number;
  output: number;
  /** As they stand in the text, without their brackets; empty if absent. */
  use: string;
  health: string;
  spend: string;
  /** The readings of the session's own. */
  readings: string;
}

export function emptyRecordText(): RecordText {
  return { kind: '', marks: '', version: '', at: 0, input: 0, output: 0, use: '', health: '', spend: '', readings: '' };
}

const BEGIN = '{"v":1,"s":"';
const DIGIT_0 = 48;
const DIGIT_9 = 57;

/**
 * @param into is filled: a million records make no million objects
 * @param text JSON, with the record from `start` to `end` (exclusive)
 * @returns false if the record must be parsed instead
 */
export function takeApart(into: RecordText, text: string, start: number, end: number): boolean {
  if (!text.startsWith(BEGIN, start)) return false;
  const versionEnd = text.indexOf('"', start + BEGIN.length);
  const atKey = text.indexOf(',"t":', versionEnd);
  const names = text.indexOf(',"n":"', atKey);
  const inputKey = text.indexOf(',"i":', names);
  if (versionEnd < 0 || atKey < 0 || names < 0 || inputKey < 0) return false;
  const atEnd = text.indexOf(',', atKey + 5);
  const inputEnd = text.indexOf(',', inputKey + 5);
  if (!text.startsWith(',"o":', inputEnd)) return false;
  const outputEnd = endOfDigits(text, inputEnd + 5);
  if (outputEnd === inputEnd + 5 || (text[outputEnd] !== ',' && outputEnd !== end - 1)) return false;
  into.at = Number(text.slice(atKey + 5, atEnd));
  into.input = Number(text.slice(inputKey + 5, inputEnd));
  into.output = Number(text.slice(inputEnd + 5, outputEnd));
  if (!Number.isSafeInteger(into.at) || !Number.isSafeInteger(into.input) || !Number.isSafeInteger(into.output))
    return false;
  const healthKey = found(text, ',"e":{', outputEnd, end);
  const healthEnd = healthKey < 0 ? outputEnd : text.indexOf('}', healthKey + 6) + 1;
  const tail = healthKey < 0 ? tailFrom(text, outputEnd, end - 1) : healthEnd;
  // Where a place's id holds a brace, the health does not end there.
  if (healthKey >= 0 && healthEnd !== end - 1 && !TAIL.some(key => text.startsWith(key, healthEnd))) return false;
  const marked = healthKey < 0 ? tail : healthKey;
  const useKey = found(text, ',"y":[', outputEnd, marked);
  const useEnd = useKey < 0 ? firstMark(text, outputEnd, marked) : text.indexOf(']', useKey) + 1;
  const spendKey = found(text, ',"S":[', tail, end);
  const spendEnd = spendKey < 0 ? tail : text.indexOf(']', spendKey) + 1;
  into.version = text.slice(start + BEGIN.length, versionEnd);
  into.use = useKey < 0 ? '' : text.slice(useKey + 6, useEnd - 1);
  into.health = healthKey < 0 ? '' : text.slice(healthKey + 6, healthEnd - 1);
  into.spend = spendKey < 0 ? '' : text.slice(spendKey + 6, spendEnd - 1);
  const sinceKey = found(text, ',"b":', names, inputKey);
  const since = sinceKey >= 0 && text[sinceKey + 5] !== '"';
  const readingsKey = found(text, ',"r":{', names, inputKey);
  const sold = since ? sinceKey : readingsKey < 0 ? inputKey : readingsKey;
  const sinceEnd = since ? text.indexOf(',', sinceKey + 5) : sold;
  const readingsEnd = readingsKey < 0 ? sinceEnd : text.indexOf('}', readingsKey) + 1;
  into.readings = text.slice(sinceEnd, readingsEnd);
  const facts = `${text.slice(names, sold)}\n${text.slice(readingsEnd, inputKey)}`;
  const able = text.slice(outputEnd, useKey < 0 ? useEnd : useKey);
  const last = spendKey < 0 ? text.slice(tail, end) : `${text.slice(tail, spendKey)}\n${text.slice(spendEnd, end)}`;
  // A line's end is in no JSON text of ours: none runs into another.
  into.kind = `${text.slice(versionEnd, atKey)}\n${facts}\n${able}\n${last}`;
  into.marks = `${text.slice(atEnd, names)}\n${text.slice(useEnd, marked)}`;
  return true;
}

/** -1 if it does not begin before `end`. */
function found(text: string, key: string, from: number, end: number): number {
  const at = text.indexOf(key, from);
  return at < end ? at : -1;
}

function endOfDigits(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= DIGIT_0 && code <= DIGIT_9; code = text.charCodeAt(at)) at += 1;
  return at;
}

/** Where the contracts and clauses begin, in a record that says no use. */
function firstMark(text: string, from: number, end: number): number {
  const contracts = found(text, ',"f":[', from, end);
  if (contracts >= 0) return contracts;
  const clauses = found(text, ',"d":[', from, end);
  return clauses >= 0 ? clauses : end;
}

/** What can follow the health: the likeliest first. */
const TAIL = [',"F":', ',"w":[', ',"j":[', ',"S":[', ',"N":', ',"W":[', ',"H":{'];

/** Where the clauses end, in a record that says no health. */
function tailFrom(text: string, from: number, end: number): number {
  let tail = end;
  for (const key of TAIL) {
    const at = found(text, key, from, tail);
    if (at >= 0) tail = at;
  }
  return tail;
}

/** The numbers of a place in the text of `health`. @param key the place's id as a JSON text, with `:[` after it */
export function healthOf(health: string, key: string): readonly number[] | undefined {
  for (let at = health.indexOf(key); at >= 0; at = health.indexOf(key, at + 1)) {
    // Only after a comma does a place begin; elsewhere the text is within another's id.
    if (at > 0 && health[at - 1] !== ',') continue;
    return numbersFrom(health, at + key.length);
  }
  return undefined;
}

const COMMA = 44;
const BRACKET = 93;

/** The numbers of a list, up to its bracket. */
function numbersFrom(text: string, from: number): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    if (code >= DIGIT_0 && code <= DIGIT_9) value = value * 10 + (code - DIGIT_0);
    else if ((code === COMMA || code === BRACKET) && value <= Number.MAX_SAFE_INTEGER) {
      numbers.push(value);
      if (code === BRACKET) return numbers;
      value = 0;
      // Not whole, or less than nothing, or very large.
    } else return text.slice(from, text.indexOf(']', from)).split(',').map(Number);
  }
}
