/** Preloaded into servers: whatever tool was cut by a crash runs again, idempotent or not (L6 broken). */
import { changeSources } from './change-source.ts';

changeSources([
  ['/session/next.ts', source => source.replace("tool.idempotent ? 'run_again' : 'outcome_unknown'", "'run_again'")],
  ['/session/reduce-tool.ts', source => source.replace("return 'was already started';", 'return null;')],
]);
