import { expect, it } from 'vitest';
import { DEFAULT_USERS, ownerOf, usableUsers } from './owner.ts';

it('gives a workspace the same user always, and others another', () => {
  const users = DEFAULT_USERS;
  const one = ownerOf('acme', 'env_1', users);
  expect(ownerOf('acme', 'env_1', users)).toEqual(one);
  const all = Array.from({ length: 500 }, (_, i) => ownerOf('acme', `env_${i}`, users).uid);
  expect(new Set(all).size).toBe(500);
  for (const uid of all) expect(uid >= users.first && uid < users.first + users.count).toBe(true);
  expect(ownerOf('acm', 'e\nenv_1', users)).not.toEqual(one);
  expect(ownerOf('any', 'env', { first: 70_000, count: 1 })).toEqual({ uid: 70_000, gid: 70_000 });
});

it('takes the users that are mapped where it runs', () => {
  expect(usableUsers('         0          0 4294967295\n', null)).toEqual(DEFAULT_USERS);
  // A container with a range of its own: the upper half of it.
  expect(usableUsers('0 100000 65536\n', null)).toEqual({ first: 32_768, count: 32_766 });
  expect(usableUsers('0 1000 1\n1 100000 65536\n', null)).toEqual({ first: 32_769, count: 32_766 });
  expect(usableUsers('0 1000 1\n', null)).toBeNull();
  expect(usableUsers('', null)).toBeNull();
  const wanted = { first: 50_000, count: 10_000 };
  expect(usableUsers('0 100000 60000\n', wanted)).toEqual(wanted);
  expect(usableUsers('0 100000 59999\n', wanted)).toBeNull();
});
