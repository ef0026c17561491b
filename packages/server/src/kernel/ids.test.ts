import { describe, expect, test } from 'vitest';
import {
  base32,
  bodyHome,
  bodyTime,
  fromBase32,
  homeTag,
  ID_BODY_CHARS,
  idBody,
  itemId,
  makeIds,
  MAX_PART_ITEMS,
  MAX_PARTS,
  parseItemId,
  parsePlacementId,
  placementId,
} from './ids.ts';

const NOON = 1_774_008_000_000;
const zeros = (bytes: Uint8Array): Uint8Array => bytes.fill(0);
const ones = (bytes: Uint8Array): Uint8Array => bytes.fill(255);

describe('ids', () => {
  test('an id is prefix, time, home and random part, in that order (pinned)', () => {
    const ids = makeIds({ now: () => NOON }, zeros);
    expect(ids.next('resp', homeTag('local'))).toBe('resp_01km5hvqg06vpc00000000000000');
    expect(ids.next('resp', homeTag('local'))).toBe('resp_01km5hvqg06vpc00000000000001');
  });

  test('within a millisecond they count up by one, through every carry', () => {
    const ids = makeIds({ now: () => NOON }, zeros);
    const drawn = Array.from({ length: 1026 }, () => ids.next('resp', '0000').slice(-3));
    expect([drawn[31], drawn[32], drawn[1023], drawn[1024]]).toEqual(['00z', '010', '0zz', '100']);
  });

  test('ids of one process sort in the order in which they were drawn, also when the clock goes back', () => {
    const times = [NOON, NOON, NOON + 5, NOON - 60_000, NOON - 60_000, NOON + 6];
    let at = 0;
    const ids = makeIds({ now: () => times[at++] ?? NOON }, ones);
    const drawn = times.map(() => ids.next('sess', 'abcd'));
    expect(drawn.toSorted()).toEqual(drawn);
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  test('the random part leaves room to count: the highest draw can be counted up', () => {
    const ids = makeIds({ now: () => NOON }, ones);
    const [first, second] = [ids.next('resp', '0000'), ids.next('resp', '0000')];
    expect(first.slice(-14)).toBe('fzzzzzzzzzzzzz');
    expect(second.slice(-14)).toBe('g0000000000000');
  });

  test('base 32 fits up to its last number and not one more', () => {
    expect(base32(32 ** 2 - 1, 2)).toBe('zz');
    expect(() => base32(32 ** 2, 2)).toThrow(RangeError);
    expect(base32(0, 2)).toBe('00');
    for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => base32(bad, 10)).toThrow(RangeError);
  });

  test('what is no digit is told, letters that look like digits too', () => {
    for (const text of ['i', 'l', 'o', 'u', 'A', '-', '0é']) expect(fromBase32(text)).toBe(-1);
    expect(fromBase32('zz')).toBe(1023);
  });

  test('an id of another prefix, length or alphabet is none of ours', () => {
    const id = makeIds({ now: () => NOON }, zeros).next('resp', 'abcd');
    const body = idBody(id, 'resp');
    expect(body).toHaveLength(ID_BODY_CHARS);
    expect(idBody(id, 'conv')).toBeNull();
    expect(idBody(`${id}0`, 'resp')).toBeNull();
    expect(idBody(id.slice(0, -1), 'resp')).toBeNull();
    expect(idBody(id.replace('resp_', 'resp-'), 'resp')).toBeNull();
    expect(idBody(`${id.slice(0, -1)}u`, 'resp')).toBeNull();
    expect(idBody(id.toUpperCase().replace('RESP_', 'resp_'), 'resp')).toBeNull();
  });

  test('an id says when and where it was drawn', () => {
    const body = idBody(makeIds({ now: () => NOON }, ones).next('conv', homeTag('azure')), 'conv') ?? '';
    expect(bodyTime(body)).toBe(NOON);
    expect(bodyHome(body)).toBe(homeTag('azure'));
  });

  test('the tag of a home is pinned: ids that were given out carry it', () => {
    expect([homeTag('local'), homeTag('azure'), homeTag('aws'), homeTag('')]).toEqual(['6vpc', 'hgcn', 'gf8g', 's5em']);
  });
});

describe('ids of parts', () => {
  const body = '0'.repeat(ID_BODY_CHARS);

  test('the last part and the last item have an id, the next has none', () => {
    expect(parseItemId(itemId('msg', body, MAX_PARTS, MAX_PART_ITEMS))).toEqual({
      kind: 'msg',
      body,
      part: MAX_PARTS,
      index: MAX_PART_ITEMS,
    });
    expect(() => itemId('msg', body, MAX_PARTS + 1, 0)).toThrow(RangeError);
    expect(() => itemId('msg', body, 0, MAX_PART_ITEMS + 1)).toThrow(RangeError);
    expect(() => placementId(body, MAX_PARTS + 1)).toThrow(RangeError);
    expect(parsePlacementId(placementId(body, MAX_PARTS))).toEqual({ body, part: MAX_PARTS });
  });

  test('what is no id of an item or a placement is told', () => {
    const item = itemId('msg', body, 0, 0);
    for (const bad of [
      '',
      '_',
      item.slice(3),
      item.slice(0, -1),
      `${item}0`,
      item.replace('msg_', 'msg'),
      `msg_${'u'.repeat(33)}`,
    ])
      expect(parseItemId(bad)).toBeNull();
    const placement = placementId(body, 1);
    for (const bad of ['', placement.slice(1), placement.slice(0, -1), `${placement}0`, `plc_${'u'.repeat(30)}`])
      expect(parsePlacementId(bad)).toBeNull();
  });
});
