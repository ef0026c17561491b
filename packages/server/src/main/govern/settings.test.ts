import { expect, test } from 'vitest';
import { newRequest, type Request } from './request.ts';
import {
  acceptedAt,
  decideSettings,
  type Settings,
  settingLines,
  settingsInForce,
  type SettingsRecord,
  settingsState,
  taking,
  unmet,
} from './settings.ts';

const FILE: Settings = {
  asOf: null,
  enforce: true,
  events: [],
  firstRefusals: [],
  onAmbiguity: 'flag',
  requireSecondPerson: false,
};
const EVENT = { id: 'agi-verified', date: '2026-03-19', source: 's' };
const OFFER = {
  id: 'azure-first',
  product: null,
  offered: '2026-03-01',
  deadline: '2026-03-09',
  answer: null,
  source: 's',
};
const STRICT: Settings = { ...FILE, requireSecondPerson: true };
const LAX: Settings = { ...STRICT, enforce: false };

let made = 0;
const record = (settings: Settings, at: number, more: Partial<Request> = {}): SettingsRecord => ({
  id: `cfg_${++made}`,
  settings,
  ...newRequest('config', at, null, null),
  ...more,
});
const waits = (settings: Settings, at: number): SettingsRecord => record(settings, at, { expiresAt: at + 100 });
const verdict = (one: SettingsRecord, said: 'approved' | 'rejected', at: number): SettingsRecord => ({
  ...one,
  decided: { by: 'key_b', at, verdict: said },
});

test('every setting that differs is told, and nothing else', () => {
  expect(settingLines(FILE, { ...FILE })).toEqual([]);
  const others: Settings = {
    asOf: { text: '2026-03-20', ms: 1 },
    enforce: false,
    events: [EVENT],
    firstRefusals: [OFFER],
    onAmbiguity: 'refuse',
    requireSecondPerson: true,
  };
  expect(settingLines(FILE, others)).toEqual([
    'as_of: 2026-03-20 (in force: none)',
    'enforce: false (in force: true)',
    'events: agi-verified on 2026-03-19 (in force: none)',
    'first_refusals: azure-first of 2026-03-01 (in force: none)',
    'on_ambiguity: refuse (in force: flag)',
    'require_second_person: true (in force: false)',
  ]);
  for (const name of Object.keys(others) as (keyof Settings)[])
    expect(settingLines(FILE, { ...FILE, [name]: others[name] })).toHaveLength(1);
  const toldAnew = { ...FILE, events: [{ ...EVENT, source: 'another' }] };
  expect(settingLines({ ...FILE, events: [EVENT] }, toldAnew)).toEqual([
    'events: agi-verified on 2026-03-19, told otherwise',
  ]);
});

test('what a file settles is in force, and recorded once, until a second person is required', () => {
  expect(taking(FILE, [], 10)).toEqual({ how: 'accept' });
  const first = record(FILE, 10);
  expect(taking(FILE, [first], 20)).toEqual({ how: 'nothing' });
  expect(taking({ ...FILE, enforce: false }, [first], 20)).toEqual({ how: 'accept' });
  expect(settingsInForce({ ...FILE, enforce: false }, [first], 20).enforce).toBe(false);
  expect(unmet({ ...FILE, enforce: false }, [first], 20)).toBeNull();
  // To require one is no weakening.
  expect(taking(STRICT, [first], 20)).toEqual({ how: 'accept' });
});

test.each([
  ['enforce', LAX],
  ['on_ambiguity', { ...STRICT, onAmbiguity: 'refuse' as const }],
  ['events', { ...STRICT, events: [EVENT] }],
  ['first_refusals', { ...STRICT, firstRefusals: [OFFER] }],
  ['as_of', { ...STRICT, asOf: { text: '2026-03-20', ms: 1 } }],
  ['require_second_person', FILE],
])('where one is, an edit of %s waits for approval', (_, edited) => {
  const strict = record(STRICT, 10);
  expect(taking(edited, [strict], 20)).toEqual({ how: 'ask' });
  expect(settingsInForce(edited, [strict], 20)).toEqual(STRICT);
  const asked = waits(edited, 20);
  expect(taking(edited, [strict, asked], 30)).toEqual({ how: 'nothing' });
  expect(unmet(edited, [strict, asked], 30)?.pending).toBe(asked);
  const approved = [strict, verdict(asked, 'approved', 40)];
  expect(settingsInForce(edited, approved, 40)).toEqual(edited);
  expect(unmet(edited, approved, 40)).toBeNull();
  expect(taking(edited, approved, 50)).toEqual({ how: 'nothing' });
});

test('what was rejected is not asked for again; what nobody looked at in time is', () => {
  const strict = record(STRICT, 10);
  const asked = waits(LAX, 20);
  expect(taking(LAX, [strict, verdict(asked, 'rejected', 30)], 40)).toEqual({ how: 'nothing' });
  expect(unmet(LAX, [strict, verdict(asked, 'rejected', 30)], 40)?.pending).toBeNull();
  expect(taking(LAX, [strict, asked], 119)).toEqual({ how: 'nothing' });
  expect(taking(LAX, [strict, asked], 120)).toEqual({ how: 'ask' });
});

test('who has the data folder may reject and not approve: the edit may be his', () => {
  const asked = waits(LAX, 20);
  expect(() => decideSettings(asked, 'local', 'approved', 30)).toThrow(
    expect.objectContaining({ code: 'second_person_required' }),
  );
  expect(decideSettings(asked, 'local', 'rejected', 30).decided).toMatchObject({ verdict: 'rejected' });
  expect(decideSettings(asked, 'key_b', 'approved', 30).decided).toMatchObject({ by: 'key_b' });
  expect(() => decideSettings(asked, 'local', 'approved', 120)).toThrow(
    expect.objectContaining({ code: 'not_pending' }),
  );
});

test('the one accepted last is in force, whenever it was asked for', () => {
  const strict = record(STRICT, 10);
  const [early, late] = [waits(LAX, 20), waits({ ...STRICT, onAmbiguity: 'refuse' }, 30)];
  const all = [strict, verdict(early, 'approved', 60), verdict(late, 'approved', 50)];
  expect(all.map(one => settingsState(one, acceptedAt(all, 70), 70))).toEqual(['superseded', 'in_force', 'superseded']);
  expect(settingsInForce(LAX, all, 70)).toEqual(LAX);
  expect(settingsState(early, acceptedAt([strict, early], 119), 119)).toBe('pending');
  expect(settingsState(early, acceptedAt([strict, early], 120), 120)).toBe('expired');
});
