/** Activations, waivers and events over a store in memory, by hand-set clocks. */
import { expect, test } from 'vitest';
import { contractFolder } from '../contracts.ts';
import { commit } from '../../store/conformance-case.ts';
import { sampleSession } from '../../store/sample.ts';
import { differences } from './active-contracts.ts';
import { documentName, MAX_ACTIVATION_CHARS } from './contract-texts.ts';
import {
  auditor,
  booted,
  configOf,
  DAY,
  FEBRUARY,
  NONE,
  NONE_CONFIGURED,
  ops,
  second,
  START,
  wanted,
  world,
} from './world.test-support.ts';

test('the configuration is the first activation, and is followed while nobody else has activated any', async () => {
  const { boot, store, clock } = world();
  const first = await boot();
  expect(first.warnings()).toEqual([]);
  const [activation] = await first.desk.activations();
  expect(activation).toMatchObject({ state: 'in_force', requested_by: 'config', reading: 'as-written' });
  expect(activation?.contracts).toMatchObject([
    { id: 'openai-2026-02', files: { 'contract.yaml': expect.any(String) } },
  ]);
  await boot();
  expect(await store.records('activation')).toHaveLength(1);
  clock.time += DAY;
  const edited = await boot(configOf(NONE_CONFIGURED));
  expect(edited.active.at(clock.time).loaded.contracts.map(({ id }) => id)).toEqual(['none']);
  expect(edited.warnings()).toEqual([]);
  expect((await store.audit(0, 10)).map(({ action, actor }) => [action, actor])).toEqual([
    ['settings.requested', 'config'],
    ['activation.requested', 'config'],
    ['activation.requested', 'config'],
  ]);
});

test('once somebody has activated contracts, the store wins and the difference is told', async () => {
  const { boot, clock } = world();
  const { desk } = await boot();
  await desk.activate(ops, { contracts: [FEBRUARY], reading: 'as-written' });
  const edited = await boot(configOf(NONE_CONFIGURED));
  expect(edited.active.at(clock.time).loaded.contracts.map(({ id }) => id)).toEqual(['openai-2026-02']);
  expect(edited.warnings().join('')).toMatch(
    /none 1 is configured and not active.*openai-2026-02 .* is active and not configured.*reading/,
  );
});

test('where a second person is required, an edited configuration changes nothing', async () => {
  const { boot, clock } = world();
  await boot(configOf({ requireSecondPerson: true }));
  const edited = await boot(configOf({ ...NONE_CONFIGURED, requireSecondPerson: true }));
  expect(edited.active.at(clock.time).loaded.contracts.map(({ id }) => id)).toEqual(['openai-2026-02']);
  expect(edited.warnings()).toHaveLength(1);
});

test.each([{ effective: '2026-03-22' }, { require_second: true }])(
  'where all there is is %j, the configuration holds until then',
  async later => {
    const { boot, clock } = world();
    const { active, desk } = await boot(configOf(), 'look');
    const asked = await desk.activate(ops, { contracts: [NONE], ...later });
    expect(active.at(clock.time).loaded.contracts.map(({ id }) => id)).toEqual(['openai-2026-02']);
    const served = await boot();
    expect(served.active.at(clock.time).activation).toMatchObject({ requestedBy: 'config' });
    clock.time += 1;
    if ('require_second' in later) await served.desk.approveActivation(second, asked.id);
    expect(served.active.at(Date.UTC(2026, 2, 22)).loaded.contracts.map(({ id }) => id)).toEqual(['none']);
  },
);

test('who only looks writes nothing, and sees what a start would activate', async () => {
  const { boot, store, clock } = world();
  const { active, desk } = await boot(configOf(), 'look');
  expect(active.at(clock.time).loaded.contracts.map(({ id }) => id)).toEqual(['openai-2026-02']);
  expect(await desk.activations()).toEqual([]);
  expect(await store.auditPosition()).toBe(0);
  await desk.activate(ops, { contracts: [NONE] });
  expect(active.at(clock.time).loaded.contracts.map(({ id }) => id)).toEqual(['none']);
});

test('what is activated is in force at once, and a second process follows it', async () => {
  const { boot, clock } = world();
  const [one, two] = [await boot(), await boot()];
  const before = two.active.at(clock.time);
  const answer = await one.desk.activate(ops, wanted({ reason: 'a trial', enforce: false }));
  expect(answer).toMatchObject({ state: 'in_force', requested_by: 'key_ops', reason: 'a trial', enforce: false });
  expect(one.active.at(clock.time).activation.id).toBe(answer.id);
  expect(one.active.at(clock.time).loaded.snapshot.enforce).toBe(false);
  // A1: who has a snapshot keeps it.
  expect(two.active.at(clock.time)).toBe(before);
  expect(await two.active.follow()).toBe(true);
  expect(two.active.at(clock.time).activation.id).toBe(answer.id);
  expect(await two.active.follow()).toBe(false);
  expect((await one.desk.activations()).map(({ state }) => state)).toEqual(['in_force', 'superseded']);
});

test('an activation for a later day comes into force at its first moment, and can be withdrawn before', async () => {
  const { clock, active, desk } = await booted();
  const later = await desk.activate(ops, wanted({ effective: '2026-03-22' }));
  const dropped = await desk.activate(ops, wanted({ effective: '2026-03-21' }));
  expect([later.state, dropped.state]).toEqual(['scheduled', 'scheduled']);
  expect(await desk.withdrawActivation(second, dropped.id)).toMatchObject({ state: 'withdrawn' });
  const midnight = Date.UTC(2026, 2, 22);
  expect(active.at(midnight - 1).loaded.contracts.map(({ id }) => id)).toEqual(['openai-2026-02']);
  expect(active.at(midnight).loaded.contracts.map(({ id }) => id)).toEqual(['none']);
  clock.time = midnight;
  expect((await desk.activations()).map(({ state }) => state)).toEqual(['withdrawn', 'in_force', 'superseded']);
  await expect(desk.withdrawActivation(ops, later.id)).rejects.toMatchObject({ code: 'not_pending' });
  await expect(desk.withdrawActivation(ops, 'act_none')).rejects.toMatchObject({ code: 'activation_not_found' });
});

test('the day that it is means now, and none before it is taken', async () => {
  const { desk } = await booted();
  expect(await desk.activate(ops, wanted({ effective: '2026-03-20' }))).toMatchObject({
    state: 'in_force',
    effective_at: START / 1000,
  });
  await expect(desk.activate(ops, wanted({ effective: '2026-03-19' }))).rejects.toMatchObject({ param: 'effective' });
  await expect(desk.activate(ops, wanted({ effective: 'soon' }))).rejects.toMatchObject({ param: 'effective' });
});

test('R1, R2: a second person approves, in time, once, and never the first', async () => {
  const { clock, active, desk } = await booted({ requireSecondPerson: true });
  const config = active.at(clock.time).activation.id;
  const pending = await desk.activate(ops, wanted());
  expect(pending).toMatchObject({
    state: 'pending',
    second_person: true,
    stranded: null,
    expires_at: START / 1000 + 72 * 3600,
  });
  expect(active.at(clock.time).activation.id).toBe(config);
  await expect(desk.approveActivation(ops, pending.id)).rejects.toMatchObject({
    code: 'second_person_required',
    status: 403,
  });
  await expect(desk.rejectActivation(ops, pending.id)).rejects.toMatchObject({ code: 'second_person_required' });
  clock.time += 72 * 3_600_000 - 1;
  const approved = await desk.approveActivation(second, pending.id);
  expect(approved).toMatchObject({ state: 'in_force', decided_by: 'key_second', stranded: { data: [] } });
  expect(approved.effective_at).toBe(Math.floor(clock.time / 1000));
  await expect(desk.approveActivation(second, pending.id)).rejects.toMatchObject({ code: 'not_pending' });

  const late = await desk.activate(ops, wanted());
  clock.time += 72 * 3_600_000;
  await expect(desk.approveActivation(second, late.id)).rejects.toMatchObject({ code: 'not_pending' });
  const refused = await desk.activate(ops, wanted());
  expect(await desk.rejectActivation(second, refused.id)).toMatchObject({
    state: 'rejected',
    decided_by: 'key_second',
  });
  expect((await desk.activations()).map(({ state }) => state)).toEqual([
    'rejected',
    'expired',
    'in_force',
    'superseded',
  ]);
});

test('contracts that cannot be used are refused with their findings, and nothing is kept', async () => {
  const { desk, store } = await booted();
  const before = await store.auditPosition();
  const broken = { name: 'mine', files: { ...NONE.files, 'clauses.cedar': 'permit (principal' } };
  await expect(desk.activate(ops, { contracts: [broken] })).rejects.toMatchObject({
    code: 'contracts_invalid',
    details: {
      findings: expect.arrayContaining([expect.objectContaining({ file: 'mine/clauses.cedar', code: 'cedar_syntax' })]),
    },
  });
  await expect(desk.activate(ops, { contracts: [NONE, NONE] })).rejects.toMatchObject({ code: 'contracts_invalid' });
  await expect(desk.activate(ops, wanted({ reading: 'nobodys' }))).rejects.toMatchObject({ code: 'contracts_invalid' });
  await expect(desk.activate(ops, { contracts: [FEBRUARY], reading: 'substance' })).rejects.toMatchObject({
    code: 'contracts_invalid',
  });
  const large = { name: 'large', files: { 'a.cedar': 'x'.repeat(MAX_ACTIVATION_CHARS + 1) } };
  await expect(desk.activate(ops, { contracts: [large] })).rejects.toMatchObject({ code: 'body_too_large' });
  expect(await store.auditPosition()).toBe(before);
});

test('A3: texts that are not in the store as they were activated are not used', async () => {
  const { boot, data } = world();
  const { active } = await boot();
  const digest = active.at(START).activation.contracts[0]?.digest ?? '';
  data.documents.set(documentName(digest), JSON.stringify({ ...FEBRUARY.files, 'extra.cedar': '' }));
  await expect(boot()).rejects.toThrow('not in the store as they were');
});

test('A2: every home keeps the document of a snapshot before it decides', async () => {
  const { desk, active, store, clock } = await booted();
  await desk.activate(ops, wanted({ effective: '2026-03-22' }));
  for (const at of [clock.time, Date.UTC(2026, 2, 22)]) {
    const { loaded } = active.at(at);
    expect(await store.document(loaded.snapshot.version)).toBe(loaded.document);
  }
});

test('a session whose home or product is not permitted any more is listed, with its reasons', async () => {
  const { desk, store } = await booted({ contracts: [contractFolder('none', '.')], reading: null });
  const origin = { product: 'frontier', channel: 'bedrock', segment: 'commercial', stateHeld: true, readings: {} };
  const state = JSON.stringify({
    origin,
    labels: [],
    createdAt: START,
    use: { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
  });
  await commit(store, sampleSession('frontier'), ['x'], [], { state });
  const api = JSON.stringify({ ...JSON.parse(state), origin: { ...origin, product: 'api', channel: 'direct' } });
  await commit(store, sampleSession('api'), ['x'], [], { state: api });
  const gone = JSON.stringify({ ...JSON.parse(state), origin: { ...origin, channel: 'closed' } });
  await commit(store, sampleSession('gone'), ['x'], [], { state: gone });

  const { stranded } = await desk.activate(ops, { contracts: [FEBRUARY] });
  expect(stranded).toMatchObject({ looked_at: 3, has_more: false });
  expect(stranded?.data.map(({ session, reasons }) => [session, reasons[0]?.split(' ')[0]])).toEqual([
    ['sess_frontier', 'amzn.state'],
    ['sess_gone', 'its'],
  ]);
  expect((await desk.stranded(ops, null)).data).toEqual(stranded?.data);
  expect((await desk.stranded({ ...auditor, tenant: 'other' }, null)).data).toEqual([]);
});

test('a waiver names what is there, has a scope, lasts no longer than allowed, and can be revoked', async () => {
  const { desk, active, clock } = await booted();
  const waiver = {
    contract: 'openai-2026-02',
    clause: 'joint.stateless',
    tenant: 'acme',
    until: '2026-03-30',
    reason: 'migration',
  };
  for (const [bad, param] of [
    [{ contract: 'openai' }, 'contract'],
    [{ clause: 'joint.stateles' }, 'clause'],
    [{ product: 'apu' }, 'product'],
    [{ target: 'nowhere' }, 'target'],
    [{ until: '2026-03-20' }, 'until'],
    [{ until: 'later' }, 'until'],
    [{ from: '2026-03-20', until: '2026-04-19T00:00:01Z' }, 'until'],
  ] as const)
    await expect(desk.grantWaiver(ops, { ...waiver, ...bad })).rejects.toMatchObject({
      code: 'invalid_request',
      param,
    });
  const { tenant: _, ...unscoped } = waiver;
  await expect(desk.grantWaiver(ops, unscoped)).rejects.toMatchObject({ param: 'tenant' });
  expect(await desk.grantWaiver(ops, { ...waiver, from: '2026-03-25', until: '2026-04-24' })).toMatchObject({
    state: 'scheduled',
  });

  const granted = await desk.grantWaiver(ops, waiver);
  expect(granted).toMatchObject({ state: 'in_force', requested_by: 'key_ops', from: START / 1000 });
  const live = () => active.at(clock.time).loaded.snapshot.waivers?.map(({ id }) => id) ?? [];
  expect(live()).toContain(granted.id);
  expect((await desk.waivers({ ...auditor, tenant: 'other' })).length).toBe(0);
  expect((await desk.waivers(auditor)).length).toBe(2);
  expect(await desk.decideWaiver(second, granted.id, 'revoke')).toMatchObject({
    state: 'revoked',
    revoked_by: 'key_second',
  });
  expect(live()).not.toContain(granted.id);
  await expect(desk.decideWaiver(second, granted.id, 'revoke')).rejects.toMatchObject({ code: 'not_pending' });
});

test('a waiver that needs a second person waives nothing before', async () => {
  const { desk, active, clock } = await booted();
  const waiver = {
    contract: 'openai-2026-02',
    clause: 'joint.stateless',
    product: 'api',
    until: '2026-03-30',
    reason: 'x',
  };
  const pending = await desk.grantWaiver(ops, { ...waiver, require_second: true });
  expect([pending.state, active.at(clock.time).loaded.snapshot.waivers]).toEqual(['pending', undefined]);
  await expect(desk.decideWaiver(ops, pending.id, 'approve')).rejects.toMatchObject({ code: 'second_person_required' });
  expect(await desk.decideWaiver(second, pending.id, 'approve')).toMatchObject({ state: 'in_force' });
  expect(active.at(clock.time).loaded.snapshot.waivers).toMatchObject([
    { id: pending.id, product: 'api', tenant: null },
  ]);
  clock.time = Date.UTC(2026, 2, 30);
  expect(await desk.waivers(ops)).toMatchObject([{ state: 'ended' }]);
});

test('events are recorded with date and source, reach the snapshot, and are retracted, not erased', async () => {
  const { desk, active, clock } = await booted();
  await expect(desk.recordEvent(ops, { event: 'AGI verified', date: '2026-03-19', source: 's' })).rejects.toMatchObject(
    { param: 'event' },
  );
  await expect(desk.recordEvent(ops, { event: 'ipo-filed', date: '2026-03-22', source: 's' })).rejects.toMatchObject({
    param: 'date',
  });
  const event = await desk.recordEvent(ops, { event: 'agi-verified', date: '2026-03-19', source: 'the panel' });
  const facts = () => (JSON.parse(active.at(clock.time).loaded.document) as { events?: unknown }).events;
  expect(facts()).toEqual([{ id: 'agi-verified', date: '2026-03-19', source: 'the panel' }]);
  await desk.decideEvent(second, event.id, 'retract');
  expect(facts()).toBeUndefined();
  expect(await desk.events()).toMatchObject([{ state: 'retracted', retracted_by: 'key_second' }]);
  await expect(desk.decideEvent(second, event.id, 'retract')).rejects.toMatchObject({ code: 'not_pending' });
});

test('of two who decide at once, one is told that it changed', async () => {
  const { boot } = world();
  const [one, two] = [await boot(), await boot()];
  const pending = await one.desk.activate(ops, wanted({ require_second: true }));
  const outcomes = await Promise.allSettled([
    one.desk.approveActivation(second, pending.id),
    two.desk.rejectActivation({ ...second, principal: 'key_third' }, pending.id),
  ]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find(one => one.status === 'rejected')?.reason).toMatchObject({
    code: expect.stringMatching(/^(record_changed|not_pending)$/),
  });
});

test('a changed file of a configured contract is a difference', async () => {
  const { active, clock } = await booted();
  const { activation } = active.at(clock.time);
  expect(differences(configOf(), activation)).toEqual([]);
  const other = { ...activation, contracts: activation.contracts.map(ref => ({ ...ref, digest: 'x' })) };
  expect(differences(configOf(), other)).toMatchObject([expect.stringContaining('as configured differs')]);
});
