/**
 * Any order of creating, continuing, forking, deleting, cascading, expiring, holding and lifting. What lives is readable and whole; what is
 * dead is not readable; what is held is there; and after a sweep nothing is left of what is dead, needed by nobody and held by nobody (L13).
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import { content, TestRetention } from './retention.test-support.ts';
import { batches, message } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, request, World } from './world.test-support.ts';

const RESPONSE_MS = 100_000;
const CONVERSATION_MS = 130_000;

/** Something that was said: of a response, or an item that was added. */
interface Unit {
  readonly marks: readonly string[];
  readonly session: SessionId;
  readonly item: string;
  deleted: boolean;
}
interface Said {
  readonly id: string;
  readonly session: SessionId;
  readonly createdAt: number;
  /** What it was told and what it answered, and what it saw before. */
  readonly own: readonly Unit[];
  readonly context: readonly Unit[];
  /** All that came before it, deleted items too: it goes on from them, whether it saw them or not. */
  readonly after: readonly Unit[];
  /** What was set for it alone. */
  readonly settings: string;
  readonly conversation: Talk | null;
  readonly parent: Said | null;
  deleted: boolean;
}
interface Talk {
  readonly id: string;
  readonly session: SessionId;
  readonly units: Unit[];
  changedAt: number;
  deleted: boolean;
  metadata: string;
}

class Model {
  readonly world = new World();
  readonly retention = new TestRetention();
  booted: Booted;
  readonly said: Said[] = [];
  readonly talks: Talk[] = [];
  /** What was there when a hold began, by what is held. */
  readonly kept = new Map<string, { readonly marks: ReadonlySet<string>; readonly lost: ReadonlySet<Said> }>();
  #n = 0;

  constructor() {
    this.retention.responses = RESPONSE_MS;
    this.retention.conversations = CONVERSATION_MS;
    this.booted = this.world.boot({ retention: this.retention });
    this.world.provider.follow(() => batches(message(`out-${this.#n}-`)));
  }

  get now(): number {
    return this.world.clock.now();
  }
  alive(said: Said): boolean {
    return !said.deleted && said.createdAt + RESPONSE_MS > this.now;
  }
  living(talk: Talk): boolean {
    return !talk.deleted && talk.changedAt + CONVERSATION_MS > this.now;
  }
  held(session: SessionId): boolean {
    return this.retention.held(ACME.tenant, session);
  }
  pick<T>(from: readonly T[], n: number): T | null {
    return from[n % Math.max(1, from.length)] ?? null;
  }

  async respond(
    fields: { readonly [name: string]: unknown },
    after: readonly Unit[],
    of: Pick<Said, 'conversation' | 'parent'>,
  ): Promise<void> {
    const n = ++this.#n;
    const seen = after.filter(unit => !unit.deleted);
    const settings = `set-${n}-`;
    const response = await ask(this.booted.engine, { input: `in-${n}-`, metadata: { settings }, ...fields });
    const { output } = await response.done;
    const row = await this.booted.stores[0]?.response(ACME.tenant, response.id);
    if (row == null) throw new Error('it was just made');
    const [input] = await this.booted.engine.inputItems(ACME, response.id);
    const unit = (mark: string, item: string): Unit => ({ marks: [mark], session: row.session, item, deleted: false });
    const own = [unit(`in-${n}-`, input?.id ?? ''), unit(`out-${n}-`, output[0]?.id ?? '')];
    const createdAt = this.now;
    this.said.push({
      id: response.id,
      session: row.session,
      createdAt,
      own,
      context: seen,
      after: [...after],
      settings,
      deleted: false,
      ...of,
    });
    if (of.conversation !== null) {
      of.conversation.units.push(...own);
      of.conversation.changedAt = this.now;
    }
  }

  async begin(): Promise<void> {
    await this.respond({}, [], { conversation: null, parent: null });
  }
  async goOn(n: number): Promise<void> {
    const parent = this.pick(
      this.said.filter(one => this.alive(one)),
      n,
    );
    if (parent === null) return;
    // A fork of a conversation is noted in it.
    if (parent.conversation !== null && !parent.conversation.deleted) parent.conversation.changedAt = this.now;
    await this.respond({ previous_response_id: parent.id }, [...parent.after, ...parent.own], {
      conversation: null,
      parent,
    });
  }
  async converse(): Promise<void> {
    const n = ++this.#n;
    const metadata = `meta-${n}-`;
    const items = request({
      input: [
        { type: 'message', role: 'user', content: `first-${n}-` },
        { type: 'message', role: 'user', content: `second-${n}-` },
      ],
    }).input;
    const { id } = await this.booted.engine.conversations.create(ACME, items, { metadata });
    const session = id.replace('conv_', 'sess_') as SessionId;
    const talk: Talk = { id, session, units: [], changedAt: this.now, deleted: false, metadata };
    const { items: made } = await this.booted.engine.conversations.listItems(ACME, id, { order: 'asc', limit: 9 });
    talk.units.push(
      ...made.map((item, i) => ({
        marks: [`${i === 0 ? 'first' : 'second'}-${n}-`],
        session,
        item: item.id,
        deleted: false,
      })),
    );
    this.talks.push(talk);
  }
  async say(n: number): Promise<void> {
    const talk = this.pick(
      this.talks.filter(one => this.living(one)),
      n,
    );
    if (talk === null) return;
    await this.respond({ conversation: talk.id }, talk.units, { conversation: talk, parent: null });
  }
  async add(n: number): Promise<void> {
    const talk = this.pick(
      this.talks.filter(one => this.living(one)),
      n,
    );
    if (talk === null) return;
    const mark = `add-${++this.#n}-`;
    const [item] = await this.booted.engine.conversations.addItems(ACME, talk.id, request({ input: mark }).input);
    talk.units.push({ marks: [mark], session: talk.session, item: item?.id ?? '', deleted: false });
    talk.changedAt = this.now;
  }
  async rename(n: number): Promise<void> {
    const talk = this.pick(
      this.talks.filter(one => this.living(one)),
      n,
    );
    if (talk === null) return;
    talk.metadata = `meta-${++this.#n}-`;
    await this.booted.engine.conversations.update(ACME, talk.id, { metadata: talk.metadata });
    talk.changedAt = this.now;
  }
  async deleteItem(n: number): Promise<void> {
    const talk = this.pick(
      this.talks.filter(one => this.living(one)),
      n,
    );
    const unit =
      talk &&
      this.pick(
        talk.units.filter(one => !one.deleted),
        n,
      );
    if (talk === null || unit === null) return;
    await this.booted.engine.conversations.deleteItem(ACME, talk.id, unit.item);
    unit.deleted = true;
    talk.changedAt = this.now;
  }
  async remove(n: number, cascade: boolean): Promise<void> {
    const said = this.pick(
      this.said.filter(one => this.alive(one)),
      n,
    );
    if (said === null) return;
    await this.booted.engine.deleteResponse(ACME, said.id, { cascade });
    said.deleted = true;
    if (!cascade) return;
    this.#endAfter([said]);
    const { conversation } = said;
    if (conversation === null || conversation.deleted) return;
    // As it is erased, so it is counted: an expired conversation is not swept yet.
    for (const unit of said.own) {
      if (!unit.deleted) conversation.changedAt = this.now;
      unit.deleted = true;
    }
  }
  /** Everything that goes on from these, but what a conversation holds itself. */
  #endAfter(ended: readonly Said[]): void {
    const units = new Set(ended.flatMap(({ own }) => own));
    for (const one of this.said)
      if (one.conversation === null && one.after.some(unit => units.has(unit))) one.deleted = true;
  }
  async removeTalk(n: number, cascade: boolean): Promise<void> {
    const talk = this.pick(
      this.talks.filter(one => this.living(one)),
      n,
    );
    if (talk === null) return;
    await this.booted.engine.conversations.delete(ACME, talk.id, { cascade });
    talk.deleted = true;
    if (!cascade) return;
    for (const one of this.said) if (one.conversation === talk) one.deleted = true;
    const forks = this.said.filter(one => one.parent?.conversation === talk);
    for (const one of forks) one.deleted = true;
    this.#endAfter(forks);
  }
  hold(n: number): void {
    const session = this.pick(this.said, n)?.session ?? this.pick(this.talks, n)?.session ?? null;
    const all = n % 5 === 0 || session === null;
    const key = all ? '*' : session;
    if (this.kept.has(key)) return;
    const text = content(this.world);
    const marks = this.#units()
      .filter(unit => all || unit.session === session)
      .flatMap(unit => unit.marks);
    const lost = this.said.filter(({ own }) => own.every(({ marks: [mark = ''] }) => !text.includes(mark)));
    this.kept.set(key, { marks: new Set(marks.filter(mark => text.includes(mark))), lost: new Set(lost) });
    if (all) this.retention.tenants.add(ACME.tenant);
    else this.retention.sessions.add(session);
  }
  lift(n: number): void {
    const key = this.pick([...this.kept.keys()], n);
    if (key === null) return;
    this.kept.delete(key);
    if (key === '*') this.retention.tenants.delete(ACME.tenant);
    else this.retention.sessions.delete(key as SessionId);
  }
  #units(): readonly Unit[] {
    return [
      ...new Set([
        ...this.talks.flatMap(({ units }) => units),
        ...this.said.flatMap(({ own, context, settings, session }) => [
          ...own,
          ...context,
          { marks: [settings], session, item: '', deleted: false },
        ]),
      ]),
    ];
  }
  /** Another process takes over, as after a crash. */
  reboot(): void {
    this.world.pass(40_000);
    this.booted = this.world.boot({ retention: this.retention });
  }

  async checkReads(): Promise<void> {
    const { engine } = this.booted;
    for (const said of this.said) {
      if (!this.alive(said)) {
        expect(await codeOf(engine.response(ACME, said.id))).toBe('response_not_found');
        continue;
      }
      const read = await engine.response(ACME, said.id);
      expect(JSON.stringify(read.output)).toContain(said.own[1]?.marks[0]);
      expect(read.metadata).toEqual({ settings: said.settings });
    }
    for (const talk of this.talks) {
      if (!this.living(talk)) {
        expect(await codeOf(engine.conversations.read(ACME, talk.id))).toBe('conversation_not_found');
        continue;
      }
      expect((await engine.conversations.read(ACME, talk.id)).metadata).toEqual({ metadata: talk.metadata });
      const { items } = await engine.conversations.listItems(ACME, talk.id, { order: 'asc', limit: 100 });
      const wanted = talk.units.filter(unit => !unit.deleted);
      expect(items.map(({ id }) => id)).toEqual(wanted.map(({ item }) => item));
    }
    this.checkKept();
  }
  checkKept(): void {
    const text = content(this.world);
    for (const { marks } of this.kept.values()) for (const mark of marks) expect(text).toContain(mark);
  }

  /** What is in the payload tables is what something living, or held, needs: no less, and after a sweep no more. */
  checkContent(): void {
    const text = content(this.world);
    // A hold keeps what a response saw, unless the response itself was gone before.
    const holds = (said: Said): boolean =>
      ['*', said.session].some(key => this.kept.has(key) && this.kept.get(key)?.lost.has(said) !== true);
    const keeps = (said: Said): boolean => this.alive(said) || holds(said);
    const needed = new Set<Unit>();
    for (const said of this.said) {
      if (!keeps(said)) continue;
      for (const unit of said.own) needed.add(unit);
      for (const unit of said.context) if (!unit.deleted) needed.add(unit);
    }
    for (const talk of this.talks) {
      if (this.held(talk.session)) for (const unit of talk.units) needed.add(unit);
      if (this.living(talk)) for (const unit of talk.units) if (!unit.deleted) needed.add(unit);
    }
    const units = new Set([...this.said.flatMap(({ own }) => own), ...this.talks.flatMap(talk => talk.units)]);
    // What was dead before a hold began may be gone, and what the hold found must be there: `checkKept` says so.
    for (const unit of units) {
      const there = unit.marks.some(mark => text.includes(mark));
      if (!needed.has(unit)) expect([unit.marks, there]).toEqual([unit.marks, false]);
      else if (!this.held(unit.session)) expect([unit.marks, there]).toEqual([unit.marks, true]);
    }
    for (const said of this.said)
      if (!this.held(said.session))
        expect([said.settings, text.includes(said.settings)]).toEqual([said.settings, this.alive(said)]);
    for (const talk of this.talks)
      if (!this.held(talk.session))
        expect([talk.metadata, text.includes(talk.metadata)]).toEqual([talk.metadata, this.living(talk)]);
  }
}

type Step = (model: Model) => Promise<void> | void;
const step = (weight: number, name: string, run: (model: Model, n: number) => Promise<void> | void) => ({
  weight,
  arbitrary: fc
    .nat(1000)
    .map((n): Step & { toString(): string } =>
      Object.assign((model: Model) => run(model, n), { toString: () => `${name}(${n})` }),
    ),
});

const steps = fc.array(
  fc.oneof(
    step(4, 'begin', model => model.begin()),
    step(9, 'goOn', (model, n) => model.goOn(n)),
    step(3, 'converse', model => model.converse()),
    step(6, 'say', (model, n) => model.say(n)),
    step(3, 'add', (model, n) => model.add(n)),
    step(2, 'rename', (model, n) => model.rename(n)),
    step(4, 'deleteItem', (model, n) => model.deleteItem(n)),
    step(8, 'remove', (model, n) => model.remove(n, false)),
    step(3, 'cascade', (model, n) => model.remove(n, true)),
    step(2, 'removeTalk', (model, n) => model.removeTalk(n, false)),
    step(1, 'cascadeTalk', (model, n) => model.removeTalk(n, true)),
    step(5, 'pass', (model, n) => model.world.pass(n * 30)),
    step(3, 'hold', (model, n) => model.hold(n)),
    step(3, 'lift', (model, n) => model.lift(n)),
    step(2, 'sweep', async model => void (await model.booted.engine.sweep())),
    step(1, 'reboot', model => model.reboot()),
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);

test('L13: what lives is whole, what is held is there, and of the rest nothing is left', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async all => {
      const model = new Model();
      for (const one of all) {
        await one(model);
        await model.checkReads();
      }
      const swept = await model.booted.engine.sweep();
      expect([swept.failed, model.booted.reported]).toEqual([0, []]);
      await model.checkReads();
      model.checkContent();
      while (model.kept.size > 0) model.lift(0);
      await model.booted.engine.sweep();
      model.checkContent();
    }),
    { numRuns: Number(process.env['PERDURE_RUNS'] ?? 60) },
  );
});
