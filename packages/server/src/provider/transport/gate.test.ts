import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

const enter = (gate: Gate, log: string[], name: string) => gate.enter(() => log.push(name));

test('lets in as many as there are places, the rest in the order of their coming', () => {
  const gate = new Gate(2, 10);
  const log: string[] = [];
  const [a, b] = ['a', 'b', 'c', 'd'].map(name => enter(gate, log, name));
  expect(log).toEqual(['a', 'b']);
  b?.();
  expect(log).toEqual(['a', 'b', 'c']);
  a?.();
  expect(log).toEqual(['a', 'b', 'c', 'd']);
});

test('who leaves the line is never let in, and takes no place with it', () => {
  const gate = new Gate(1, 10);
  const log: string[] = [];
  const a = enter(gate, log, 'a');
  const b = enter(gate, log, 'b');
  enter(gate, log, 'c');
  b?.();
  a?.();
  expect(log).toEqual(['a', 'c']);
});

test('leaving twice gives up one place', () => {
  const gate = new Gate(1, 10);
  const log: string[] = [];
  const a = enter(gate, log, 'a');
  a?.();
  a?.();
  enter(gate, log, 'b');
  enter(gate, log, 'c');
  expect(log).toEqual(['a', 'b']);
});

test('the line is bounded: the one who fills it waits, the next is turned away', () => {
  const gate = new Gate(1, 1);
  const log: string[] = [];
  enter(gate, log, 'a');
  expect(enter(gate, log, 'b')).not.toBeNull();
  expect(enter(gate, log, 'c')).toBeNull();
});
