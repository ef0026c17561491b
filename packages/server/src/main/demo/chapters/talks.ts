/** The conversations: where each state lives, where each turn ran, by which clause, and what it remembers. */
import { differs, type Told } from '../claims.ts';
import { CUSTOMERS, type Line } from '../customers.ts';
import { FACTS } from '../facts.ts';
import { citeOf, judge, judgeCall } from '../placed.ts';
import { row } from '../report.ts';
import type { Stage } from '../stage.ts';
import { beginTalk, knows, speak, type Talk, toldIn, type Turn } from '../talk.ts';

export async function theConversations(stage: Stage): Promise<void> {
  stage.heading('Four customers talk about the dispute');
  for (const customer of CUSTOMERS) {
    stage.say('');
    stage.say(`${customer.title} (product ${customer.product}, channel ${customer.channel})`);
    const talk = await beginTalk(stage.openai(customer.id), customer);
    stage.talks.set(customer.id, talk);
    const [first, ...lines] = customer.lines;
    await theState(stage, talk, first);
    for (const line of lines) await aTurn(stage, talk, line, `talk.${customer.id}.${talk.turns.length + 1}`);
    if (customer.flagged.length > 0) await theOpenQuestions(stage, talk);
  }
}

/** The first turn brings the session into being, so that its state is placed with it. */
async function theState(stage: Stage, talk: Talk, line: Line): Promise<void> {
  const { customer } = talk;
  const { placements } = stage.perdure(customer.id);
  await stage.claims.check(`state.${customer.id}`, "The session's state lives where the contracts allow", async () => {
    const turn = await speak(stage.openai(customer.id), talk, line);
    const call = await placements.get(turn.placement);
    const { data } = await placements.list({ session: call.session, limit: 100 });
    const placed = data.filter(one => one.action === 'place_state');
    const [placement] = placed;
    if (placement === undefined) throw new Error('no placement of the state can be read');
    const judged = judge(placement, customer.state);
    return {
      text: row('state', judged.where, judged.why, call.session),
      cites: judged.cites,
      evidence: { session: call.session, placement: placement.id, home: placement.home },
      wrong: [
        ...judged.wrong,
        ...differs('placements of the state', placed.length, 1),
        ...differs('home of the call', call.home, placement.home),
      ],
    };
  });
  const [turn] = talk.turns;
  if (turn === undefined) return;
  await stage.claims.check(`talk.${customer.id}.1`, RAN_AND_KNEW, () => readBack(stage, talk, turn));
}

const RAN_AND_KNEW = 'The turn ran where the contracts allow, and its answer knows what was told before';

/** A line said, its answer and its placement read back. */
export async function aTurn(stage: Stage, talk: Talk, line: Line, id: string): Promise<void> {
  await stage.claims.check(id, RAN_AND_KNEW, async () => {
    const turn = await speak(stage.openai(talk.customer.id), talk, line);
    return readBack(stage, talk, turn);
  });
}

async function readBack({ openai, perdure }: Stage, talk: Talk, turn: Turn): Promise<Told> {
  const { customer } = talk;
  const [response, placement] = await Promise.all([
    openai(customer.id).responses.retrieve(turn.response),
    perdure(customer.id).placements.get(turn.placement),
  ]);
  const judged = judgeCall(placement, customer.calls, customer.flagged);
  const { asks, tells } = turn.line;
  const answer = response.output_text;
  const did =
    asks === null
      ? `is told ${tells.length} facts`
      : `recalls "${FACTS[asks.about].key}" of turn ${toldIn(talk, asks.about) ?? '?'}`;
  const target = placement.target?.id ?? null;
  return {
    text: row(`turn ${turn.number}`, judged.where, judged.why, did),
    cites: judged.cites,
    evidence: { response: turn.response, placement: turn.placement, target, class: placement.class, answer },
    wrong: [
      ...judged.wrong,
      ...differs('status', response.status, 'completed'),
      ...differs('response of the placement', placement.response, turn.response),
      ...differs('call', placement.call.status, 'completed'),
      ...(asks === null || knows(answer, asks.about)
        ? []
        : [`the answer does not know "${FACTS[asks.about].key}": ${answer}`]),
    ],
  };
}

/** What an ambiguous clause says is recorded on every call, and enforced on none. */
async function theOpenQuestions({ claims, perdure }: Stage, { customer, turns }: Talk): Promise<void> {
  await claims.check(`open.${customer.id}`, 'An ambiguous clause is recorded and not enforced', async () => {
    const placements = await Promise.all(turns.map(turn => perdure(customer.id).placements.get(turn.placement)));
    const flagged = placements.map(placement => placement.flagged.map(({ id }) => id));
    const cites = placements.flatMap(placement => placement.flagged.map(citeOf));
    const names = [...new Set(cites.map(({ id }) => id))].join(', ');
    return {
      text: row('open', 'not enforced', `${names}: ambiguous, and recorded on each of ${placements.length} calls`),
      cites,
      evidence: { placements: placements.length, flagged: names },
      wrong: [
        ...flagged.flatMap(found => differs('flagged', found, customer.flagged)),
        ...differs(
          'outcomes',
          placements.every(({ outcome }) => outcome === 'placed'),
          true,
        ),
      ],
    };
  });
}
