/** What a replay needs of a placement's events, read from their texts: most heads are never parsed. */
import { CODEC_VERSION, EVENT_CODES, LogCodecError } from '../../log/codec.ts';
import type { RecordedPlacementText } from '../../placement/replay.ts';
import type { PlacementTexts } from '../../store/sqlite/messages.ts';

type Usage = RecordedPlacementText['usage'];

export interface PlacedText extends Pick<RecordedPlacementText, 'text' | 'start' | 'end' | 'usage'> {
  /** Of the snapshot that it was decided on. */
  readonly version: string;
}

const CALL = EVENT_CODES['call.placed'];
const RECORD = '"placement":{';
const VERSION = '"v":1,"s":"';

/** @throws LogCodecError if a newer version wrote it */
export function placedText({ codes, versions, heads, ends }: PlacementTexts, index: number): PlacedText {
  const head = heads[index] ?? '';
  if ((versions[index] ?? 0) > CODEC_VERSION) throw newer();
  const begin = head.indexOf(RECORD);
  const isCall = codes[index] === CALL;
  // Bare quotes are in no JSON text: both are the keys that they look like.
  const end = isCall ? head.lastIndexOf('},"reserved":{') + 1 : head.length - 1;
  const versionStart = begin + RECORD.length;
  if (begin < 0 || end <= versionStart || !head.startsWith(VERSION, versionStart)) return parsedHead(head, ends[index]);
  const from = versionStart + VERSION.length;
  const start = versionStart - 1;
  const placed = isCall && !head.startsWith('null', head.indexOf('"chosen":') + 9);
  const usage = placed ? usageOf(ends[index] ?? null, callOf(head, begin)) : null;
  return { text: head, start, end, version: head.slice(from, head.indexOf('"', from)), usage };
}

function parsedHead(head: string, ended: string | null | undefined): PlacedText {
  const {
    placement,
    chosen = null,
    call = 1,
  } = JSON.parse(head) as {
    readonly placement: { readonly s?: string };
    readonly chosen?: string | null;
    readonly call?: number;
  };
  const text = JSON.stringify(placement);
  const usage = chosen === null ? null : usageOf(ended ?? null, call);
  return { text, start: 0, end: text.length, version: placement.s ?? '', usage };
}

function newer(): LogCodecError {
  return new LogCodecError('an event was written by a newer version');
}

/** The number of the call in its turn; 1 is left out. */
function callOf(head: string, before: number): number {
  const at = head.lastIndexOf('"call":', before);
  return at < 0 ? 1 : Number.parseInt(head.slice(at + 7, at + 17), 10);
}

const USAGE =
  /^(\d+) \{(?:"call":(\d+),)?"usage":\{"input":(\d+),"cached":(\d+),"output":(\d+),"reasoning":(\d+)(?:,"written":(\d+))?\}/;

/** Null if the call has not ended. @param ended the version and the head of the event that ended a call */
function usageOf(ended: string | null, call: number): Usage {
  if (ended === null) return null;
  const [, version, named, input, cached, output, reasoning, written] = USAGE.exec(ended) ?? [];
  if (version === undefined || (named === undefined && ended.includes('"call":'))) return usageParsed(ended, call);
  if (Number(version) > CODEC_VERSION) throw newer();
  if (Number(named ?? 1) !== call) return null;
  return {
    input: Number(input),
    cached: Number(cached),
    output: Number(output),
    reasoning: Number(reasoning),
    ...(written !== undefined && { written: Number(written) }),
  };
}

function usageParsed(ended: string, call: number): Usage {
  const space = ended.indexOf(' ');
  if (Number(ended.slice(0, space)) > CODEC_VERSION) throw newer();
  const { call: its = 1, usage = null } = JSON.parse(ended.slice(space + 1)) as { call?: number; usage?: Usage };
  return its === call ? usage : null;
}
