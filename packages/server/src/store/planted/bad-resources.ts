/** Stores that keep resources badly. */
import type { Plant } from './plant.ts';

export const BAD_RESOURCES: readonly Plant[] = [
  { name: 'resources do not outlive the handle', reopen: data => data.resources.clear() },
  {
    name: 'resources of every tenant',
    spoil: (_good, data) => ({
      resource: async (kind, _tenant, id) => {
        const row = data.resources.get(id);
        return row?.kind === kind ? row : null;
      },
    }),
  },
  {
    name: 'the last who changes a resource wins',
    spoil: (good, data) => ({
      changeResources: (changes, entry) =>
        good.changeResources(
          changes.map(one =>
            one.op === 'remove'
              ? one
              : { ...one, row: { ...one.row, version: (data.resources.get(one.row.id)?.version ?? 0) + 1 } },
          ),
          entry,
        ),
    }),
  },
  {
    name: 'changes of one call by halves',
    spoil: good => ({
      async changeResources(changes, entry) {
        const done = await good.changeResources(changes, entry);
        const [first] = changes;
        if (!done && changes.length > 1 && first !== undefined) await good.changeResources([first], null);
        return done;
      },
    }),
  },
  {
    name: 'lists of resources that begin anew',
    spoil: good => ({ resources: query => good.resources({ ...query, after: null }) }),
  },
  {
    name: 'resources are due too early',
    spoil: good => ({ dueResources: (kind, now, limit) => good.dueResources(kind, now + 1, limit) }),
  },
  {
    name: 'resources of any size',
    spoil: (good, data) => ({
      async changeResources(changes, entry) {
        const [first] = changes;
        if (
          first?.op === 'put' &&
          first.row.version === 1 &&
          !data.resources.has(first.row.id) &&
          first.row.body.length > 1_000_000
        )
          data.resources.set(first.row.id, first.row);
        return good.changeResources(changes, entry);
      },
    }),
  },
];
