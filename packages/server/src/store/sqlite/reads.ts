/** What is read of a home's file, whichever of its threads does it. */
import type { DatabaseSync } from 'node:sqlite';
import { makeControlReads } from './control-read-sql.ts';
import { makeFileReads } from './file-sql.ts';
import type { Handlers, HomeReads } from './messages.ts';
import { makePlacementReads } from './placement-sql.ts';
import { makeLogReads } from './read-sql.ts';
import { makeResourceReads } from './resource-sql.ts';

export function makeReads(db: DatabaseSync): Handlers<HomeReads> {
  return {
    ...makeLogReads(db),
    ...makePlacementReads(db),
    ...makeControlReads(db),
    ...makeFileReads(db),
    ...makeResourceReads(db),
  };
}
