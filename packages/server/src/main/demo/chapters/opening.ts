/** What there is before anybody speaks: contracts in force, homes, models. */
import { differs } from '../claims.ts';
import { CUT_CUSTOMER } from '../customers.ts';
import { AS_OF, CONTRACTS } from '../deployment.ts';
import { placeOf, READING } from '../placed.ts';
import { row } from '../report.ts';
import type { Stage } from '../stage.ts';
import { MODEL } from '../upstreams.ts';

export async function theStage({ claims, perdure, heading, emulated }: Stage): Promise<void> {
  heading('The stage');
  const status = await perdure(CUT_CUSTOMER).status.get();
  await claims.check('stage.contracts', 'The contracts of March 2026 are in force', async () => {
    const inForce = status.contracts.filter(contract => contract.in_force);
    const names = inForce.map(({ id, reading }) => (reading === null ? id : `${id} (read ${reading})`));
    return {
      text: row('contracts', `in force on ${status.as_of ?? 'a day that is not set'}: ${names.join(', ')}`),
      evidence: { as_of: status.as_of, in_force: inForce.map(({ id }) => id), enforce: status.enforce },
      wrong: [
        ...differs('date seen', status.as_of, AS_OF),
        ...differs(
          'in force',
          inForce.map(({ id }) => id),
          CONTRACTS,
        ),
        ...differs('reading', inForce.find(({ id }) => id === CONTRACTS[0])?.reading, READING),
        ...differs('enforced', status.enforce, true),
      ],
    };
  });
  await claims.check('stage.homes', 'State may live in two homes', async () => ({
    text: row(
      'homes',
      status.homes.map(home => `${home.id} at ${home.cloud}/${home.region} (${home.store})`).join(', '),
    ),
    evidence: { homes: status.homes.map(({ cloud, store }) => `${cloud}: ${store}`) },
    wrong: differs(
      'homes',
      status.homes.map(({ cloud, store }) => [cloud, store]),
      [
        ['azure', 'sqlite'],
        ['aws', 'sqlite'],
      ],
    ),
  }));
  await claims.check('stage.targets', 'The model runs on both clouds, and AWS is the cheaper one', async () => {
    const { data } = await perdure(CUT_CUSTOMER).targets.list();
    const price = (cloud: string): number => data.find(target => target.cloud === cloud)?.prices?.input ?? Number.NaN;
    const shown = data.map(
      target => `${placeOf(target)} at $${target.prices?.input ?? '?'}${target.emulated ? ' EMULATED' : ''}`,
    );
    return {
      text: row('models', `${MODEL} on ${shown.join(', ')} (a million tokens in)`),
      evidence: { targets: shown },
      wrong: [
        ...(price('aws') < price('azure') ? [] : ['AWS is not the cheaper one']),
        ...differs(
          'emulated',
          data
            .filter(target => target.emulated)
            .map(({ cloud }) => cloud)
            .toSorted(),
          [...emulated].toSorted(),
        ),
      ],
    };
  });
}
