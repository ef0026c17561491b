import type { Command } from 'commander';
import type { AddCommand } from '../cli/command.ts';
import { examples, wholeNumber, withConfig, withJson } from '../cli/options.ts';
import type * as Commands from '../ledger/commands.ts';
import type { CopyOptions } from '../ledger/copy-command.ts';
import type { ConsistencyOptions, EvidenceOptions, LedgerOptions, VerifyOptions } from '../ledger/commands.ts';

const IDS = `An id is that of
  a placement      plc_...   as every answer names it, and "perdure placements"; with --meter: what was metered of its call
  an approval      appr_...  of a tool, once it was granted or denied, or expired: "perdure approvals list"
  an activation    act_...   "perdure contracts active"
  a waiver, an event, a right, a key, and all else that the audit knows: "perdure audit", as SUBJECT
`;
const METER = 'of the placement of a call: what was metered of it';
const CHANGE = 'of what was changed several times, which change, from 1 (default: the newest)';

export const ledgerCommand: AddCommand = (program, io, done) => {
  const ledger = program
    .command('ledger')
    .summary('verify and prove what was sealed')
    .description('The tamper-evident record of placements, meters and approvals: docs/ledger.md.');
  ledger.addHelpText(
    'after',
    examples(
      'perdure ledger verify ./data',
      'perdure ledger bundle plc_01k... --out evidence.json',
      'perdure ledger keys',
    ),
  );
  const load = async (): Promise<typeof Commands> => import('../ledger/commands.ts');
  const withHome = (command: Command): Command =>
    command.option('--home <name>', 'the home whose log it is (default: the only one)');

  withJson(withHome(ledger.command('verify')))
    .summary('verify whole logs, offline')
    .description(
      'Reads every leaf and every tile, and checks hashes, root, signatures and changes of keys. Works on a data folder, also while a ' +
        'server uses it, or on a copy of a log.',
    )
    .argument('<folder>', 'a data folder, or a copy of a log')
    .option('--key <key>', 'a key of the log that is known from elsewhere, as "perdure ledger keys" shows it')
    .addHelpText(
      'after',
      `${examples('perdure ledger verify ./data', 'perdure ledger verify ./copy --key perdure/ledger/local+1f2e3d4c+AQ...')}\nEnds with 3 if something does not hold.\n`,
    )
    .action((folder: string, options: VerifyOptions) =>
      done(load().then(({ ledgerVerify }) => ledgerVerify(folder, options, io))),
    );

  withJson(ledger.command('copy'))
    .summary('copy a log from a server, and verify it')
    .description(
      'Fetches what a folder does not have yet of a log, verifies all of it, and writes its checkpoint last: a copy that was cut short goes on ' +
        'where it was. A log that does not begin with what was copied before is refused. PERDURE_API_KEY is sent along, if it is set.',
    )
    .argument('<url>', 'where the log is: http://HOST/ledger/HOME')
    .argument('<folder>', 'where to copy it')
    .option('--key <key>', 'a key of the log that is known from elsewhere, as "perdure ledger keys" shows it')
    .addHelpText(
      'after',
      `${examples('perdure ledger copy https://perdure.example/ledger/local ./copy --key perdure/ledger/local+1f2e3d4c+AQ...')}\nEnds with 3 if something does not hold.\n`,
    )
    .action((url: string, folder: string, options: CopyOptions) =>
      done(import('../ledger/copy-command.ts').then(({ ledgerCopy }) => ledgerCopy(url, folder, options, io))),
    );

  withJson(withHome(withConfig(ledger.command('prove'))))
    .summary('prove that a leaf is in the log')
    .description(
      'Writes an inclusion proof (c2sp.org/tlog-proof) for a leaf, by the id of what it is of, or by its number.',
    )
    .argument('<leaf>', 'the id of what the leaf is of, or the number of the leaf')
    .option('--change <n>', CHANGE, wholeNumber(1, 1e6))
    .option('--meter', METER)
    .option('--out <file>', 'where to write it (default: standard output)')
    .addHelpText(
      'after',
      `${examples(
        'perdure ledger prove 1234',
        'perdure ledger prove plc_01k... --out it.tlog-proof',
        'perdure ledger prove plc_01k... --meter',
        'perdure ledger prove act_01k... --change 1',
      )}\n${IDS}`,
    )
    .action((leaf: string, options: EvidenceOptions) =>
      done(load().then(({ ledgerProve }) => ledgerProve(leaf, options, io))),
    );

  withJson(withHome(withConfig(ledger.command('consistency'))))
    .summary('prove that a later log begins with an earlier one')
    .description('Shows and checks the consistency proof between two sizes of the log.')
    .argument('<old>', 'leaves then', wholeNumber(0, 1e15))
    .argument('<new>', 'leaves later', wholeNumber(0, 1e15))
    .addHelpText('after', examples('perdure ledger consistency 1000 2500', 'perdure ledger consistency 0 12 --json'))
    .action((old: number, size: number, options: ConsistencyOptions) =>
      done(load().then(({ ledgerConsistency }) => ledgerConsistency(old, size, options, io))),
    );

  withJson(withHome(withConfig(ledger.command('bundle'))))
    .summary('write the evidence of one placement, meter, approval or change')
    .description(
      'Writes a Sigstore bundle: what was recorded, its leaf, the proof and the checkpoint, signed by the key of the log. It shows this one, ' +
        'and nothing else of the log.',
    )
    .argument('<id>', 'the id of what the leaf is of')
    .option('--change <n>', CHANGE, wholeNumber(1, 1e6))
    .option('--meter', METER)
    .option('--out <file>', 'where to write it (default: standard output)')
    .addHelpText('after', `${examples('perdure ledger bundle plc_01k... --out evidence.sigstore.json')}\n${IDS}`)
    .action((id: string, options: EvidenceOptions) =>
      done(load().then(({ ledgerBundle }) => ledgerBundle(id, options, io))),
    );

  withJson(withConfig(ledger.command('keys')))
    .summary('show the public keys')
    .description(
      'The keys that sign the logs, oldest first: what an auditor should get from you by another way than the log.',
    )
    .addHelpText('after', examples('perdure ledger keys', 'perdure ledger keys --json'))
    .action((options: LedgerOptions) => done(load().then(({ ledgerKeys }) => ledgerKeys(options, io))));

  withJson(withConfig(ledger.command('rotate')))
    .summary('go over to a new key')
    .description(
      'Makes a new key and writes the change into every log, signed by both. Earlier checkpoints stay verifiable. The server must be down.',
    )
    .addHelpText('after', examples('perdure ledger rotate', 'perdure ledger rotate --data ./data'))
    .action((options: LedgerOptions) => done(load().then(({ ledgerRotate }) => ledgerRotate(options, io))));
};
