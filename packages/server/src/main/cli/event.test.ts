import { describe, expect, test } from 'vitest';
import { eventOption } from './event.ts';
import { momentOption } from './moment.ts';

describe('--event', () => {
  test('is an id and a day', () => {
    expect(eventOption('perdure explain', 'agi-verified=2026-03-01')).toEqual({
      id: 'agi-verified',
      date: '2026-03-01',
    });
    expect(eventOption('perdure explain', `${'a'.repeat(64)}=2024-02-29`).date).toBe('2024-02-29');
  });

  test.each([
    'agi-verified',
    'agi-verified=',
    '=2026-03-01',
    'Agi=2026-03-01',
    `${'a'.repeat(65)}=2026-03-01`,
    'agi-verified=2026-02-30',
    'agi-verified=2026-3-1',
    'agi-verified=2026-03-01T12:00:00Z',
    'agi-verified=2026-03-01=2026-03-02',
  ])('is not %s', text => {
    expect(() => eventOption('perdure whatif', text)).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: `perdure whatif: --event takes an id and a day, as agi-verified=2026-03-01, not "${text}"`,
      }),
    );
  });
});

describe('a moment', () => {
  test('is a day or a moment in UTC, or was not given', () => {
    expect(momentOption('perdure whatif', '--from', '2026-03-20')).toBe(Date.UTC(2026, 2, 20));
    expect(momentOption('perdure whatif', '--from', '2026-03-20T12:00:00Z')).toBe(Date.UTC(2026, 2, 20, 12));
    expect(momentOption('perdure whatif', '--from', undefined)).toBeNull();
  });

  test.each(['', 'tomorrow', '2026-02-30', '2026-03-20 12:00'])('is not "%s"', text => {
    expect(() => momentOption('perdure contracts diff', '--at', text)).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: `perdure contracts diff: --at takes a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, not "${text}"`,
      }),
    );
  });
});
