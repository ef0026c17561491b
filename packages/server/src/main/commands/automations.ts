import type { AutomationOptions, ListOptions } from '../automations/command.ts';
import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';

const WHERE =
  'Asks the running server, with PERDURE_API_KEY (a key with the scope inference) if keys are in use, at PERDURE_URL (default: that of the data ' +
  'folder), and works on the automations of the tenant of the key.';

export const automationsCommand: AddCommand = (program, io, done) => {
  const automations = program
    .command('automations')
    .summary('schedules that start sessions')
    .description(`Automations: schedules that start sessions of agents, or tell one. ${WHERE}`);
  automations.addHelpText('after', examples('perdure automations list', 'perdure automations run auto_01k...'));

  withJson(withConfig(automations.command('list')))
    .summary('list them')
    .description('Lists all automations of the tenant, newest first.')
    .option('--session <id>', 'only those that tell this session')
    .addHelpText('after', examples('perdure automations list', 'perdure automations list --session sess_01k... --json'))
    .action((options: ListOptions) =>
      done(import('../automations/command.ts').then(({ automationsList }) => automationsList(options, io))),
    );

  const one = (verb: 'show' | 'pause' | 'resume' | 'run', summary: string, description: string): void => {
    withJson(withConfig(automations.command(verb)))
      .summary(summary)
      .description(`${description} ${WHERE}`)
      .argument('<id>', 'the id that "perdure automations list" shows')
      .addHelpText('after', examples(`perdure automations ${verb} auto_01k3m...`))
      .action((id: string, options: AutomationOptions) =>
        done(import('../automations/command.ts').then(({ automationVerbs }) => automationVerbs[verb](id, options, io))),
      );
  };
  one(
    'show',
    'show one, and its last runs',
    'Shows an automation and its ten last runs: what became of them, and why.',
  );
  one('pause', 'have its schedule rest', 'Pauses an automation: nothing runs until it is resumed.');
  one('resume', 'set its schedule going again', 'Resumes an automation. What passed meanwhile is not made up for.');
  one('run', 'run it now', 'Queues a run now, whatever the schedule, also of a paused one.');
};
