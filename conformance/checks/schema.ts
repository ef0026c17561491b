/** Everything that was sent during the run against the schema. These come last. */
import { type Check, must, Skipped } from '../check.ts';
import type { Kind, Traffic } from '../traffic.ts';

export function schemaChecks(traffic: Traffic): readonly Check[] {
  const held = (kind: Kind, what: string) => async (): Promise<string> => {
    const count = traffic.count(kind);
    if (count === 0) throw new Skipped(`the chosen checks saw no ${what}`);
    const faults = traffic.faults(kind);
    must(faults.length === 0, `${faults.length} faults, the first: ${faults.slice(0, 3).join('; ')}`);
    return `${count} ${what}`;
  };
  return [
    {
      id: 'schema.responses',
      asks: 'Every response object is valid by the schema of Open Responses.',
      why: 'Typed clients read fields without asking whether they are there.',
      run: held('responses', 'response objects'),
    },
    {
      id: 'schema.events',
      asks: 'Every stream event is valid by the schema of its type.',
      why: 'A client that dispatches on the type trusts the rest.',
      run: held('events', 'events'),
    },
    {
      id: 'schema.items',
      asks: 'Every listed item is valid by the schema.',
      why: 'Items are sent back as input: what is wrong once is wrong in every later turn.',
      run: held('items', 'items'),
    },
    {
      id: 'schema.compactions',
      asks: 'Every compacted response is valid by the schema.',
      why: 'Its output is the input of the next request.',
      run: held('compactions', 'compactions'),
    },
    {
      id: 'schema.errors',
      asks: 'Every error, of whatever route, has the envelope with message, type, code and param.',
      why: 'The SDKs read `error.code`; without an envelope they can only show the status.',
      run: held('errors', 'errors'),
    },
    {
      id: 'schema.no-leaks',
      asks: 'No error shows a stack, a path or the name of an exception.',
      why: 'Errors are shown to strangers.',
      run: held('leaks', 'errors'),
    },
  ];
}
