/** A what-if in a process of its own that is killed, as `kill -9` does it, once it has come so far. */
import { openRecorded } from '../evidence/recorded.ts';
import { configWith } from '../discover.ts';
import { booksOf } from '../money/books.ts';
import { runWhatIf } from './run.ts';
import { makeSuppositions } from './suppose.ts';

const [folder = '', state = '', reading = '', after = '0', placements] = process.argv.slice(2);
const config = configWith([], folder);
const data = await openRecorded({ ...config, data: folder });
const suppose = { contracts: null, reading, events: [] };
await runWhatIf({
  data,
  suppositions: makeSuppositions(suppose, version => data.document(version), booksOf(config)),
  suppose,
  window: { from: null, to: null, tenant: null },
  state,
  placements: placements ?? null,
  progress: ({ done }) => void (done > Number(after) && process.kill(process.pid, 'SIGKILL')),
});
