/** A call that keeps nothing, and what is refused. */
import type { PlacementResource } from '@perdure/protocol';
import { APIError } from 'openai';
import { differs, type Told } from '../claims.ts';
import { CUSTOMERS, CUT_CUSTOMER, STATELESS, UNLICENSED } from '../customers.ts';
import { citeOf, forbidding, judgeCall } from '../placed.ts';
import { columns, row } from '../report.ts';
import type { Stage } from '../stage.ts';
import { MODEL } from '../upstreams.ts';

/** The same key as for the stateful session: only what is asked for differs. */
export async function theStatelessCall(stage: Stage): Promise<void> {
  const { claims, openai, perdure, heading } = stage;
  const customer = CUSTOMERS.find(({ id }) => id === CUT_CUSTOMER);
  if (customer === undefined) return;
  heading('The same Frontier customer makes a call that keeps nothing');
  await claims.check('stateless', 'A stateless call goes to Azure, whoever sold it', async () => {
    const { data, response } = await openai(customer.id)
      .responses.create({
        model: MODEL,
        input: 'Take note. Nothing of this is kept.',
        store: false,
        max_output_tokens: 2_000,
      })
      .withResponse();
    const placement = await perdure(customer.id).placements.get(response.headers.get('perdure-placement') ?? '');
    stage.stateless = placement.id;
    const judged = judgeCall(placement, STATELESS, []);
    const kept = await openai(customer.id)
      .responses.retrieve(data.id)
      .then(() => true, notFound);
    return {
      text: row('no state', judged.where, judged.why, 'cannot be read back: 404'),
      cites: judged.cites,
      evidence: { placement: placement.id, class: placement.class, kept },
      wrong: [...judged.wrong, ...differs('kept', kept, false)],
    };
  });
}

function notFound(error: unknown): boolean {
  if (error instanceof APIError && error.status === 404) return false;
  throw error;
}

interface Refused {
  readonly id: string;
  readonly title: string;
  readonly customer: string;
  readonly headers: { readonly [name: string]: string };
  readonly clauses: readonly string[];
}

const WIDTHS = [44, 25] as const;

const REFUSED: readonly Refused[] = [
  {
    id: 'refused.seller',
    title: UNLICENSED.title,
    customer: UNLICENSED.id,
    headers: {},
    clauses: ['amzn.distribution'],
  },
  {
    id: 'refused.label',
    title: 'US government data, to commercial clouds',
    customer: 'api-direct',
    headers: { 'perdure-labels': 'us-gov' },
    clauses: ['data.us-gov', 'data.clearance'],
  },
];

export async function theRefusals({ claims, openai, perdure, heading }: Stage): Promise<void> {
  heading('What is refused, and by which clause');
  for (const { id, title, customer, headers, clauses } of REFUSED) {
    await claims.check(id, `${title}: refused everywhere`, async () => {
      const error = await openai(customer)
        .responses.create({ model: MODEL, input: 'May this run?' }, { headers: { ...headers } })
        .then(() => null, refusal);
      if (error === null)
        return { text: columns([title, 'was answered'], WIDTHS), evidence: {}, wrong: ['it was not refused'] };
      const placement = await perdure(customer).placements.get(error.headers?.get('perdure-placement') ?? '');
      return toldOfRefusal(title, error, placement, clauses);
    });
  }
}

function refusal(error: unknown): APIError {
  if (error instanceof APIError) return error;
  throw error;
}

function toldOfRefusal(title: string, error: APIError, placement: PlacementResource, clauses: readonly string[]): Told {
  const everywhere = clauses.filter(clause =>
    placement.rows.every(one => forbidding(one).some(({ id }) => id === clause)),
  );
  return {
    text: columns(
      [title, `${error.status ?? '?'} ${error.code ?? ''}`, `everywhere: ${everywhere.join(', ')}`],
      WIDTHS,
    ),
    cites: placement.rows.flatMap(forbidding).map(citeOf),
    evidence: {
      status: error.status ?? null,
      code: error.code ?? null,
      placement: placement.id,
      outcome: placement.outcome,
    },
    wrong: [
      ...differs('status', error.status, 403),
      ...differs('code', error.code, 'placement_refused'),
      ...differs('outcome', placement.outcome, 'refused'),
      ...differs('clauses against every place', everywhere, clauses),
      ...(placement.rows.length < 2 ? ['fewer than two places were asked'] : []),
    ],
  };
}
