/** Preloaded into servers: a tool runs before its start is in the log (U1 broken), so that a process that dies in between runs it again. */
import { changeSources } from './change-source.ts';

changeSources([
  [
    '/engine/tools/run-tools.ts',
    source =>
      source
        .replace(
          "  killPoint('tool.before-start');\n",
          `  for (const { state, move } of moves)
    if (move.do === 'start')
      await runIn(move.tool, scopeOf(mustState(turn.live), agent.config, turn.principal), {
        callId: state.callId,
        key: keyOf(engine, turn, state.callId),
        arguments: move.args,
        signal: turn.abort.signal,
        show: () => undefined,
        answer: null,
      });
  killPoint('tool.before-start');
`,
        )
        .replace(
          /function runIn\([^]*?\n\}\n/,
          `const EARLY = new Map();
function runIn(tool, scope, run) {
  const known = EARLY.get(run.key) ?? tool.source.run(scope, tool.definition, run);
  EARLY.set(run.key, known);
  return known;
}
`,
        ),
  ],
]);
