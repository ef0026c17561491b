import { expect, test } from 'vitest';
import { type Kill, KILL_POINTS, KillPlan } from './kill-plan.ts';
import { seeded } from './random.ts';

const many = (plan: KillPlan, count: number): readonly Kill[] => Array.from({ length: count }, () => plan.next());
const named = (kills: readonly Kill[]) => kills.filter(kill => kill.type === 'point');

test('of many kills each point gets its share, and the others come at random times', () => {
  const rounds = 24;
  const kills = named(many(new KillPlan(seeded(7), KILL_POINTS), (rounds * KILL_POINTS.length * 5) / 4));
  expect(kills).toHaveLength(rounds * KILL_POINTS.length);
  for (const point of KILL_POINTS) expect(kills.filter(kill => kill.point === point)).toHaveLength(rounds);
});

test('a point that was missed comes before the others, in half the time, down to the first', () => {
  const plan = new KillPlan(seeded(7), KILL_POINTS);
  const [first] = named(many(plan, 1));
  if (first === undefined) throw new Error('the first kill is at no point');
  plan.missed({ ...first, nth: 5 });
  for (const nth of [3, 2, 1, 1]) {
    let kill = plan.next();
    while (kill.type === 'time') kill = plan.next();
    expect(kill).toEqual({ type: 'point', point: first.point, nth });
    plan.missed(kill);
  }
});

test('without named points all come at random times', () => {
  expect(named(many(new KillPlan(seeded(7), []), 50))).toEqual([]);
});
