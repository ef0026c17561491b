import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, withConfig, withJson } from '../cli/options.ts';
import type {
  FollowOptions,
  ListOptions,
  SendOptions,
  SessionsOptions,
  ShowOptions,
  StartOptions,
} from '../sessions-command.ts';

const WHERE = 'It asks the server at PERDURE_URL (default: that of the data folder), with the key in PERDURE_API_KEY.';
const ID = 'the id that "perdure sessions list" shows';

export const sessionsCommand: AddCommand = (program, io, done) => {
  const sessions = program
    .command('sessions')
    .summary('sessions of agents: look at them, follow and drive them')
    .description(`Lists, shows, follows, begins and drives sessions of agents: docs/agents.md. ${WHERE}`);
  sessions.addHelpText(
    'after',
    examples('perdure sessions start --model gpt-5.5 --follow "What is new?"', 'perdure sessions follow sess_01k...'),
  );

  withJson(withConfig(sessions.command('list')))
    .summary('list sessions')
    .description(`Lists sessions, the newest first. ${WHERE}`)
    .option('--agent <id>', 'of this agent only')
    .option('--limit <number>', 'as many at most (default: 50)', wholeNumber(1, 10_000))
    .addHelpText('after', examples('perdure sessions list', 'perdure sessions list --agent agent_01k... --json'))
    .action((options: ListOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsList }) => sessionsList(options, io))),
    );

  withJson(withConfig(sessions.command('show')))
    .summary('show one: what it waits for, its turns, what was said')
    .description(`Shows a session, its last turns and its last items. ${WHERE}`)
    .argument('<id>', ID)
    .option('--items <number>', 'as many items at most (default: 20)', wholeNumber(1, 10_000))
    .addHelpText('after', examples('perdure sessions show sess_01k... --items 100'))
    .action((id: string, options: ShowOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsShow }) => sessionsShow(id, options, io))),
    );

  withJson(withConfig(sessions.command('start')))
    .summary('begin one')
    .description(`Begins a session and its first turn. Prints its id. ${WHERE}`)
    .argument('<text>', 'what the agent is told')
    .option('--model <model>', 'of an agent without instructions and tools of its own')
    .option('--agent <id>', 'a saved agent')
    .option('--environment <kind>', 'none or hosted (default: none)')
    .option('--follow', 'tell what happens until the session is idle')
    .addHelpText(
      'after',
      examples('perdure sessions start --agent agent_01k... --environment hosted --follow "Go on."'),
    )
    .action((text: string, options: StartOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsStart }) => sessionsStart(text, options, io))),
    );

  withJson(withConfig(sessions.command('send')))
    .summary('tell one something')
    .description(`Begins a turn, or steers the one that runs. ${WHERE}`)
    .argument('<id>', ID)
    .argument('<text>', 'what the agent is told')
    .option('--follow', 'tell what happens until the session is idle')
    .addHelpText('after', examples('perdure sessions send sess_01k... --follow "And the other one?"'))
    .action((id: string, text: string, options: SendOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsSend }) => sessionsSend(id, text, options, io))),
    );

  withJson(withConfig(sessions.command('follow')))
    .summary('tell what happens in one, as it happens')
    .description(`Follows a session until it is deleted, or you stop it. ${WHERE}`)
    .argument('<id>', ID)
    .option('--all', 'from the beginning')
    .option('--until-idle', 'only until it is idle')
    .addHelpText('after', examples('perdure sessions follow sess_01k... --all'))
    .action((id: string, options: FollowOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsFollow }) => sessionsFollow(id, options, io))),
    );

  withJson(withConfig(sessions.command('cancel')))
    .summary('end what one is doing')
    .description(`Ends the turn that runs or waits, and those of its sub-agents. ${WHERE}`)
    .argument('<id>', ID)
    .addHelpText('after', examples('perdure sessions cancel sess_01k...'))
    .action((id: string, options: SessionsOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsCancel }) => sessionsCancel(id, options, io))),
    );

  withJson(withConfig(sessions.command('delete')))
    .summary('end one, and erase it')
    .description(`Ends a session and erases all of it. One that runs a turn is refused: cancel it first. ${WHERE}`)
    .argument('<id>', ID)
    .addHelpText('after', examples('perdure sessions delete sess_01k...'))
    .action((id: string, options: SessionsOptions) =>
      done(import('../sessions-command.ts').then(({ sessionsDelete }) => sessionsDelete(id, options, io))),
    );
};
