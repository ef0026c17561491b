import type { AuditOptions } from '../audit-command.ts';
import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, WORKPLACE, withConfig, withJson } from '../cli/options.ts';

export const auditCommand: AddCommand = (program, io, done) => {
  withJson(withConfig(program.command('audit')))
    .summary('list who changed what')
    .description(
      'Lists changes of contracts in force, waivers, events, rights, holds, closed months, agents, vaults, webhooks and keys, oldest first, with ' +
        `the leaf of the ledger that each is, once it is sealed. With --json, one line of JSON each. ${WORKPLACE} (with the scope auditor or operator).`,
    )
    .option(
      '--kind <name>',
      'what an action says before the dot, as key, waiver, activation; or all of it: key.created',
    )
    .option('--actor <id>', 'who made it: the id of a key; local, config, engine')
    .option('--subject <id>', 'the id of what was changed')
    .option('--from <time>', 'then or later, UTC: 2026-03-20')
    .option('--to <time>', 'before, UTC')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 100_000), 50)
    .option('--after <position>', 'go on behind an entry, or where the last list ended', wholeNumber(0, 1e15 - 1))
    .addHelpText(
      'after',
      examples(
        'perdure audit --kind waiver --from 2026-03-20',
        'perdure audit --subject act_01k...',
        'perdure audit --actor key_01k... --kind key.created --json',
        'perdure audit --limit 1000 --after 1000',
      ),
    )
    .action((options: AuditOptions) => done(import('../audit-command.ts').then(({ audit }) => audit(options, io))));
};
