/** `perdure rights`. */
import type { RightMove, RightResource, RightState } from '@perdure/protocol';
import { moment } from './cli/moment.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { table } from './cli/table.ts';
import { atGovernDesk, LOCAL } from './govern-desks.ts';
import type { ListOptions } from './waivers-command.ts';

export interface AnswerOptions extends ListOptions {
  readonly product?: string;
  readonly date?: string;
  readonly source: string;
  readonly requireSecond?: boolean;
}

export interface OfferOptions extends AnswerOptions {
  readonly deadline: string;
}

export async function rightsList(options: ListOptions, io: Io): Promise<ExitCode> {
  const rights = await atGovernDesk(options, io, desk => desk.rights());
  if (options.json === true) printJson(io, { object: 'list', data: rights, has_more: false });
  else if (rights.length === 0) io.out('No right of first refusal was ever offered.\n');
  else {
    const states = rights.flatMap(right => right.states.map(row => stateRow(right, row)));
    const moves = rights.flatMap(({ id, moves: rows }) => rows.map(row => moveRow(id, row)));
    // Without a counted move there is no state, and so no table of them.
    if (states.length > 0) io.out(`${table(['RIGHT', 'PRODUCT', 'STATE', 'SINCE', 'UNTIL', 'ASKED BY'], states)}\n`);
    io.out(table(['RIGHT', 'MOVE', 'PRODUCT', 'DATE', 'DEADLINE', 'RECORD', 'BY', 'SOURCE'], moves));
  }
  return EXIT.ok;
}

export async function rightsOffer(right: string, options: OfferOptions, io: Io): Promise<ExitCode> {
  const { deadline } = options;
  const offered = await atGovernDesk(
    options,
    io,
    desk => desk.offerRight(LOCAL, right, { ...bodyOf(options), deadline }),
    { how: 'make' },
  );
  return toldRight(offered, options, io);
}

export async function rightsAnswer(
  how: 'accept' | 'decline',
  right: string,
  options: AnswerOptions,
  io: Io,
): Promise<ExitCode> {
  const answered = await atGovernDesk(options, io, desk => desk.answerRight(LOCAL, right, how, bodyOf(options)));
  return toldRight(answered, options, io);
}

export async function rightsDecide(
  how: 'approve' | 'reject' | 'retract',
  right: string,
  options: ListOptions,
  io: Io,
): Promise<ExitCode> {
  return toldRight(await atGovernDesk(options, io, desk => desk.decideRight(LOCAL, right, how)), options, io);
}

function bodyOf({ product, date, source, requireSecond }: AnswerOptions) {
  return {
    source,
    ...(product !== undefined && { product }),
    ...(date !== undefined && { date }),
    ...(requireSecond === true && { require_second: true }),
  };
}

function toldRight(right: RightResource, options: ListOptions, io: Io): ExitCode {
  if (options.json === true) {
    printJson(io, right);
    return EXIT.ok;
  }
  const states = right.states.map(state => `${right.id} for ${state.product ?? 'all products'}: ${stateText(state)}\n`);
  io.out(states.length === 0 ? `${right.id}: never offered\n` : states.join(''));
  if (right.asked_by.length === 0) io.out(`No contract in force, or to come, asks for ${right.id}.\n`);
  const pending = right.moves.find(({ state }) => state === 'pending');
  if (pending !== undefined) {
    const until = moment(pending.expires_at ?? 0);
    io.out(`Another key must approve the last move before ${until}: perdure rights approve ${right.id}\n`);
  }
  return EXIT.ok;
}

function stateText({ state, since, until }: RightState): string {
  if (until !== null) return `${state}, to be answered by ${until}`;
  return since === null ? state : `${state} on ${since}`;
}

function stateRow({ id, asked_by: asking }: RightResource, row: RightState): readonly string[] {
  const { product, state, since, until } = row;
  return [id, product ?? 'all', state, since ?? '-', until ?? '-', asking.join(', ') || '-'];
}

function moveRow(id: string, one: RightMove): readonly string[] {
  const by = one.decided_by === null ? one.recorded_by : `${one.recorded_by}, ${one.decided_by}`;
  return [id, one.move, one.product ?? 'all', one.date, one.deadline ?? '-', one.state, by, one.source];
}
