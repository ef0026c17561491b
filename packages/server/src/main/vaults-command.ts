/** `perdure vaults`. No secret is shown: nothing that it asks has one. */
import type { CredentialResource, VaultResource } from '@perdure/protocol';
import { moment } from './cli/moment.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { table } from './cli/table.ts';
import { atRegistryDesk, type RegistryFlags } from './registry-desks.ts';

export interface VaultOptions extends RegistryFlags {
  readonly json?: boolean;
}

type Filled = VaultResource & { readonly credentials: readonly CredentialResource[] };

export async function vaultsList(options: VaultOptions, io: Io): Promise<ExitCode> {
  const vaults = await atRegistryDesk(options, io, 'inference or read', async desk => {
    const filled: Filled[] = [];
    for (const vault of await desk.vaults()) filled.push({ ...vault, credentials: await desk.credentials(vault.id) });
    return filled;
  });
  if (options.json === true) printJson(io, { object: 'list', data: vaults, has_more: false });
  else if (vaults.length === 0) io.out('There are no vaults.\n');
  else io.out(table(['VAULT', 'NAME', 'MADE', 'CREDENTIAL', 'KIND', 'FOR'], vaults.flatMap(vaultRows)));
  return EXIT.ok;
}

export async function vaultsRotateKey(options: VaultOptions, io: Io): Promise<ExitCode> {
  const rotated = await atRegistryDesk(options, io, 'operator', desk => desk.rotateKey());
  if (options.json === true) printJson(io, rotated);
  else io.out(`a new master key is in force; vaults that were wrapped anew: ${rotated.vaults}\n`);
  return EXIT.ok;
}

function vaultRows({ id, name, created_at, credentials }: Filled): readonly (readonly string[])[] {
  const vault = [id, name ?? '-', moment(created_at)];
  if (credentials.length === 0) return [[...vault, '-', '-', '-']];
  return credentials.map(({ name: called, auth }, i) => [
    ...(i === 0 ? vault : ['', '', '']),
    called,
    auth.type,
    auth.type === 'environment_variable' ? auth.secret_name : auth.mcp_server_url,
  ]);
}
