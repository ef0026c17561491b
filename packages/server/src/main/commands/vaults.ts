import type { AddCommand } from '../cli/command.ts';
import { examples, withConfig, withJson } from '../cli/options.ts';
import type { VaultOptions } from '../vaults-command.ts';
import { WHERE } from './active.ts';
import { WHOSE, withTenant } from './agents.ts';

export const vaultsCommand: AddCommand = (program, io, done) => {
  const vaults = program
    .command('vaults')
    .summary('credentials that agents use, and the key that seals them')
    .description('Vaults and what is in them. Secrets are never shown.');
  vaults.addHelpText('after', examples('perdure vaults list', 'perdure vaults rotate-key'));

  withTenant(withJson(withConfig(vaults.command('list'))))
    .summary('list the vaults and their credentials')
    .description(`Lists the vaults of a tenant with the names of their credentials, newest first. ${WHOSE}`)
    .addHelpText('after', examples('perdure vaults list', 'perdure vaults list --tenant acme --json'))
    .action((options: VaultOptions) =>
      done(import('../vaults-command.ts').then(({ vaultsList }) => vaultsList(options, io))),
    );

  withJson(withConfig(vaults.command('rotate-key')))
    .summary('replace the master key')
    .description(
      `Makes another master key, wraps the keys of all vaults with it, and destroys the older one: in a running server a minute later. ${WHERE}`,
    )
    .addHelpText('after', examples('perdure vaults rotate-key', 'perdure vaults rotate-key --json'))
    .action((options: VaultOptions) =>
      done(import('../vaults-command.ts').then(({ vaultsRotateKey }) => vaultsRotateKey(options, io))),
    );
};
