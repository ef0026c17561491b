import type { AddCommand } from '../cli/command.ts';
import { collect, examples, wholeNumber, withConfig, withJson } from '../cli/options.ts';
import type { ExplainOptions } from '../explain-command.ts';

export const explainCommand: AddCommand = (program, io, done) => {
  const command = program
    .command('explain')
    .summary('show where a call would go, and why')
    .description(
      'Decides a call that nobody makes: every target, the one that would be chosen, the clause against each of the others, the ' +
        'score. With stored state it also shows the home. As of any date, under any reading. It is decided on what is in force in ' +
        'the data folder (active contracts, waivers, events), whether or not a server uses it; where nothing was activated, on the ' +
        'configuration. Spend and health are asked of the server of the folder; without one, spend is counted from its log. ' +
        'With --action it says whether a tool may run, or data may leave. Without a configuration file it decides over the three emulated clouds.',
    );
  withJson(withConfig(command))
    .argument('[placement]', 'explain this recorded placement instead, as the server at PERDURE_URL keeps it')
    .option('--model <name>', 'the model that is asked for (default: the first one configured)')
    .option('--product <id>', 'what was sold (default: api)')
    .option('--channel <id>', 'who sold it (default: direct)')
    .option('--segment <name>', 'the buyer: commercial, us-gov, us-natsec (default: commercial)')
    .option('--tenant <name>', 'whose call it is (default: local)')
    .option(
      '--key <name>',
      'in the name of this key, by its name or id: what it was sold is taken from it (default: not known)',
    )
    .option('--scopes <list>', 'with these scopes of it, as inference,read (default: those that it has)')
    .option('--agent <id>', 'of a session of this agent, by its id or name: support, agent_01k...@3 (default: of none)')
    .option('--stored', 'state is kept for the caller (default)')
    .option('--stateless', 'nothing is kept for the caller')
    .option('--purpose <name>', 'turn, subagent, compaction, ... (default: turn)')
    .option('--label <name>', 'a label of what the session has read; repeat for several', collect)
    .option('--request-label <name>', "a label of the request's own content; repeat for several", collect)
    .option('--action <name>', 'infer, execute (a tool runs), egress (data leave) (default: infer)')
    .option('--tool <name>', 'the tool that runs: bash, mcp:search (default of the origin: builtin)')
    .option('--destination <host>', 'where data go: example.com, mcp:tools.example.com (default of the use: web)')
    .option('--as-of <time>', 'the time that contracts see, UTC: 2026-03-20 (default: as configured, else now)')
    .option('--reading <id>', 'read the contracts so (default: as in force)')
    .option(
      '--contracts <set>',
      'with these contract sets instead of those in force; several with commas, or repeated',
      collect,
    )
    .option('--event <id=date>', 'suppose that this happened: agi-verified=2026-03-01; repeat for several', collect)
    .option(
      '--right <id=state>',
      'suppose a right of first refusal in a state: rofr=declined; repeat for several',
      collect,
    )
    .option('--spend <month/total>', "the tenant's spend so far in whole US dollars: 120/900 (default: what was spent)")
    .option('--input-tokens <number>', 'length of the input (default: 1000)', wholeNumber(0, 1_000_000_000))
    .option('--output-tokens <number>', 'bound of the output (default: 1000)', wholeNumber(1, 1_000_000_000))
    .addHelpText(
      'after',
      `${examples(
        'perdure explain --stateless --channel bedrock --contracts openai-2026-02 --as-of 2026-03-20',
        'perdure explain --product frontier --channel bedrock --contracts openai-2026-02 --as-of 2026-03-20 --reading microsoft',
        'perdure explain --model gpt-5.5 --label us-gov --json',
        'perdure explain --key batch --scopes inference --agent support@3',
        'perdure explain plc_01m7zgk0rxgf8gb832w93cwktykx01',
      )}\nWith a call that nobody makes it ends with 3 if that would be refused.\n`,
    )
    .action((id: string | undefined, options: ExplainOptions) =>
      done(import('../explain-command.ts').then(({ explain }) => explain(id, options, io))),
    );
};
