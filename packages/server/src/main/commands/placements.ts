import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, withConfig, withJson } from '../cli/options.ts';
import type { PlacementsOptions } from '../placements-command.ts';

export const placementsCommand: AddCommand = (program, io, done) => {
  withJson(withConfig(program.command('placements')))
    .summary('list where calls and state went')
    .description(
      'Lists placements of the server at PERDURE_URL (default: where the configuration listens), with PERDURE_API_KEY if keys are in ' +
        'use. "perdure explain <placement>" explains one. With --json, one line of JSON each.',
    )
    .option('--from <time>', 'recorded then or later, UTC: 2026-03-20')
    .option('--to <time>', 'recorded before, UTC')
    .option('--tenant <name>', 'of another tenant (needs the scope operator)')
    .option('--product <id>', 'what was sold')
    .option('--channel <id>', 'who sold it')
    .option('--target <id>', 'the place that was chosen')
    .option('--cloud <name>', 'the cloud of the place that was chosen')
    .option('--clause <id>', 'a clause that excluded a place, or was flagged')
    .option(
      '--outcome <name>',
      'placed, refused, unavailable; flagged (ambiguous, waived); would-refuse, would-move (monitor mode)',
    )
    .option('--action <name>', 'infer, place_state, ...')
    .option('--purpose <name>', 'turn, compaction, state, ...')
    .option('--session <id>', 'of this session')
    .option('--response <id>', 'of this response')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 100_000), 50)
    .option('--order <name>', 'asc: the oldest first; desc (default): the newest')
    .option('--after <cursor>', 'go on after a placement, or where the last list ended')
    .addHelpText(
      'after',
      examples(
        'perdure placements --cloud aws --from 2026-03-20',
        'perdure placements --outcome refused --clause joint.stateless --json',
      ),
    )
    .action((options: PlacementsOptions) =>
      done(import('../placements-command.ts').then(({ placements }) => placements(options, io))),
    );
};
