/** What is decided about contracts: which are active, what is waived, what has happened. Times are seconds since 1970. */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { boundedList, type Parsed } from '../parse.ts';
import { parseOwnBody } from './own-body.ts';

/** `pending`: another person must approve. `superseded`: it was in force, and a later one is now. */
export type ActivationState =
  | 'pending'
  | 'scheduled'
  | 'in_force'
  | 'superseded'
  | 'rejected'
  | 'expired'
  | 'withdrawn';

export type ActivatedContract = {
  readonly id: string;
  readonly version: string;
  /** SHA-256 of the digests of its files, hexadecimal. */
  readonly digest: string;
  /** Path -> SHA-256 of the file. */
  readonly files: { readonly [path: string]: string };
};

type Requested = {
  readonly reason: string | null;
  /** The id of a key, `local`, or `config`. */
  readonly requested_by: string;
  readonly requested_at: number;
  /** Whether another person must approve. */
  readonly second_person: boolean;
  /** Who approved or rejected it, and when. */
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  /** Until when it can be approved; null if it need not be. */
  readonly expires_at: number | null;
};

export type ActivationResource = Requested & {
  readonly id: string;
  readonly object: 'perdure.activation';
  readonly state: ActivationState;
  /** When it comes or came into force, if it is approved. */
  readonly effective_at: number;
  readonly contracts: readonly ActivatedContract[];
  readonly reading: string | null;
  /** What was asked for. */
  readonly enforce: boolean;
  /** What holds: the configuration must say so too. */
  readonly enforced: boolean;
};

/** A session that may no longer be held where it is, or whose product may no longer be sold: its turns get `home_not_permitted`. */
export type StrandedSession = {
  readonly session: string;
  readonly tenant: string;
  readonly home: string;
  readonly product: string;
  readonly channel: string;
  /** One line for each reason. */
  readonly reasons: readonly string[];
};

export type StrandedList = {
  readonly object: 'list';
  readonly data: readonly StrandedSession[];
  /** Sessions that were looked at, those that are not stranded too. */
  readonly looked_at: number;
  /** True if there were more than one answer looks at: ask again after `last_id`. */
  readonly has_more: boolean;
  readonly last_id: string | null;
};

/** A money term that runs on, and that the activated set has none of the same kind and id for. */
export type DroppedTerm = {
  readonly kind: 'commitment' | 'share' | 'tranche';
  readonly id: string;
  readonly contract: string;
  /** Of a share its cap; null: it has none. */
  readonly amount_micro_usd: string | null;
  /** Of a share, as a fraction: `20/100`. */
  readonly rate: string | null;
  /** The day that it would have ended on; null: none. */
  readonly to: string | null;
};

export type ActivationAnswer = ActivationResource & {
  readonly stranded: StrandedList | null;
  /** What is no longer counted once it is in force. */
  readonly dropped_terms: readonly DroppedTerm[];
};

export type WaiverState = 'pending' | 'scheduled' | 'in_force' | 'ended' | 'rejected' | 'expired' | 'revoked';
export type WaiverResource = Requested & {
  readonly id: string;
  readonly object: 'perdure.waiver';
  readonly state: WaiverState;
  readonly contract: string;
  readonly clause: string;
  readonly tenant: string | null;
  readonly product: string | null;
  readonly target: string | null;
  /** In the time that contracts see. */
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  readonly revoked_by: string | null;
  readonly revoked_at: number | null;
};

/** What was granted, and what may be a slip of the pen in it. */
export type WaiverAnswer = WaiverResource & { readonly warnings: readonly string[] };

/** Only what is `recorded` counts. */
export type ContractEventState = 'recorded' | 'pending' | 'rejected' | 'expired' | 'retracted';
export type ContractEventResource = Omit<Requested, 'reason' | 'requested_by' | 'requested_at'> & {
  readonly id: string;
  readonly object: 'perdure.contract_event';
  readonly state: ContractEventState;
  readonly event: string;
  /** A day in UTC. */
  readonly date: string;
  readonly source: string;
  /** `config`: it stands in the configuration. */
  readonly recorded_by: string;
  /** Null of the configuration's. */
  readonly recorded_at: number | null;
  readonly retracted_by: string | null;
  readonly retracted_at: number | null;
  /** Clauses, definitions and tranches of the contracts in force, or to come, that ask for it: `contract/clause`. */
  readonly asked_by: readonly string[];
};

/** What was recorded, and what may be a slip of the pen in it. */
export type ContractEventAnswer = ContractEventResource & { readonly warnings: readonly string[] };

export type SettingsState = 'pending' | 'in_force' | 'superseded' | 'rejected' | 'expired';
/** What the configuration settles beside contracts, as a start of the server took it up. Days in UTC. */
export type SettingsResource = Requested & {
  readonly id: string;
  readonly object: 'perdure.settings';
  readonly state: SettingsState;
  readonly enforce: boolean;
  readonly on_ambiguity: 'flag' | 'refuse';
  /** A day or moment, as written. */
  readonly as_of: string | null;
  readonly require_second_person: boolean;
  readonly events: readonly { readonly id: string; readonly date: string; readonly source: string }[];
  readonly first_refusals: readonly {
    readonly id: string;
    readonly product: string | null;
    readonly offered: string;
    readonly deadline: string;
    readonly answer: { readonly kind: 'accepted' | 'declined'; readonly date: string } | null;
    readonly source: string;
  }[];
};

export type CreateActivation = {
  readonly contracts: readonly { readonly name: string; readonly files: { readonly [path: string]: string } }[];
  readonly reading?: string;
  readonly enforce?: boolean;
  readonly effective?: string;
  readonly reason?: string;
  readonly require_second?: boolean;
};
export type CreateWaiver = {
  readonly contract: string;
  readonly clause: string;
  readonly tenant?: string;
  readonly product?: string;
  readonly target?: string;
  readonly from?: string;
  readonly until: string;
  readonly reason: string;
  readonly require_second?: boolean;
};
export type CreateContractEvent = {
  readonly event: string;
  readonly date: string;
  readonly source: string;
  readonly require_second?: boolean;
};

const text = z.string();
const orNull = text.nullable();
const seconds = z.int();
const secondsOrNull = seconds.nullable();
const word = text.min(1).max(LIMITS.nameChars);
const said = text.min(1).max(LIMITS.reasonChars);
const when = text.max(40).meta({ description: 'A day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z, in UTC.' });

const decided = {
  second_person: z.boolean(),
  decided_by: orNull,
  decided_at: secondsOrNull,
  expires_at: secondsOrNull,
};
const requested = { reason: orNull, requested_by: text, requested_at: seconds, ...decided };

const activation = {
  id: text,
  object: z.literal('perdure.activation'),
  state: z.enum(['pending', 'scheduled', 'in_force', 'superseded', 'rejected', 'expired', 'withdrawn']),
  effective_at: seconds,
  contracts: z.array(z.object({ id: text, version: text, digest: text, files: z.record(text, text) })),
  reading: orNull,
  enforce: z.boolean(),
  enforced: z.boolean(),
  ...requested,
};
export const activationSchema: z.ZodType<ActivationResource> = z.object(activation);

export const strandedSchema: z.ZodType<StrandedList> = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({ session: text, tenant: text, home: text, product: text, channel: text, reasons: z.array(text) }),
  ),
  looked_at: z.int().min(0),
  has_more: z.boolean(),
  last_id: orNull,
});
export const activationAnswerSchema: z.ZodType<ActivationAnswer> = z.object({
  ...activation,
  stranded: strandedSchema.nullable(),
  dropped_terms: z.array(
    z.object({
      kind: z.enum(['commitment', 'share', 'tranche']),
      id: text,
      contract: text,
      amount_micro_usd: orNull,
      rate: orNull,
      to: orNull,
    }),
  ),
});

const warnings = z.array(text).meta({ description: 'What may be a slip of the pen. It was done all the same.' });

const waiver = {
  id: text,
  object: z.literal('perdure.waiver'),
  state: z.enum(['pending', 'scheduled', 'in_force', 'ended', 'rejected', 'expired', 'revoked']),
  contract: text,
  clause: text,
  tenant: orNull,
  product: orNull,
  target: orNull,
  from: seconds,
  until: seconds,
  ...requested,
  revoked_by: orNull,
  revoked_at: secondsOrNull,
};
export const waiverSchema: z.ZodType<WaiverResource> = z.object(waiver);
export const waiverAnswerSchema: z.ZodType<WaiverAnswer> = z.object({ ...waiver, warnings });

const contractEvent = {
  id: text,
  object: z.literal('perdure.contract_event'),
  state: z.enum(['recorded', 'pending', 'rejected', 'expired', 'retracted']),
  event: text,
  date: text,
  source: text,
  recorded_by: text,
  recorded_at: secondsOrNull,
  ...decided,
  retracted_by: orNull,
  retracted_at: secondsOrNull,
  asked_by: z.array(text),
};
export const contractEventSchema: z.ZodType<ContractEventResource> = z.object(contractEvent);
export const contractEventAnswerSchema: z.ZodType<ContractEventAnswer> = z.object({ ...contractEvent, warnings });

export const settingsSchema: z.ZodType<SettingsResource> = z.object({
  id: text,
  object: z.literal('perdure.settings'),
  state: z.enum(['pending', 'in_force', 'superseded', 'rejected', 'expired']),
  enforce: z.boolean(),
  on_ambiguity: z.enum(['flag', 'refuse']),
  as_of: orNull,
  require_second_person: z.boolean(),
  events: z.array(z.object({ id: text, date: text, source: text })),
  first_refusals: z.array(
    z.object({
      id: text,
      product: orNull,
      offered: text,
      deadline: text,
      answer: z.object({ kind: z.enum(['accepted', 'declined']), date: text }).nullable(),
      source: text,
    }),
  ),
  ...requested,
});

type Plain<T> = { readonly object: 'list'; readonly data: readonly T[]; readonly has_more: boolean };
const plain = <T>(of: z.ZodType<T>): z.ZodType<Plain<T>> =>
  z.object({ object: z.literal('list'), data: z.array(of), has_more: z.boolean() });
export const activationListSchema: z.ZodType<Plain<ActivationResource>> = plain(activationSchema);
export const waiverListSchema: z.ZodType<Plain<WaiverResource>> = plain(waiverSchema);
export const contractEventListSchema: z.ZodType<Plain<ContractEventResource>> = plain(contractEventSchema);
export const settingsListSchema: z.ZodType<Plain<SettingsResource>> = plain(settingsSchema);

const files = z
  .record(text.max(LIMITS.urlChars), text)
  .refine(all => Object.keys(all).length <= LIMITS.contractFiles)
  .meta({ description: 'Path within the folder -> text: contract.yaml, *.cedar, readings/*.cedar.' });

export const createActivationBody: z.ZodType<CreateActivation> = z.strictObject({
  contracts: boundedList(z.strictObject({ name: word, files }), LIMITS.whatIfContracts).meta({
    description: 'The whole active set, as it is to be. Empty: no contract, which allows everything.',
  }),
  reading: word.exactOptional(),
  enforce: z.boolean().exactOptional().meta({ description: 'false: monitor mode. Default: true.' }),
  effective: when.exactOptional(),
  reason: said.exactOptional(),
  require_second: z.boolean().exactOptional(),
});

export const createWaiverBody: z.ZodType<CreateWaiver> = z.strictObject({
  contract: word,
  clause: word,
  tenant: word.exactOptional(),
  product: word.exactOptional(),
  target: word.exactOptional(),
  from: when.exactOptional(),
  until: when,
  reason: said,
  require_second: z.boolean().exactOptional(),
});

export const createContractEventBody: z.ZodType<CreateContractEvent> = z.strictObject({
  event: word,
  date: when,
  source: said,
  require_second: z.boolean().exactOptional(),
});

export function parseCreateActivation(body: unknown): Parsed<CreateActivation> {
  return parseOwnBody(createActivationBody, body);
}
export function parseCreateWaiver(body: unknown): Parsed<CreateWaiver> {
  return parseOwnBody(createWaiverBody, body);
}
export function parseCreateContractEvent(body: unknown): Parsed<CreateContractEvent> {
  return parseOwnBody(createContractEventBody, body);
}
