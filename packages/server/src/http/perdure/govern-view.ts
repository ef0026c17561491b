/** What the routes about contracts in force, waivers, events and the audit need. Made by main. */
import type {
  ActivationAnswer,
  AnswerRight,
  ActivationResource,
  AuditPage,
  AuditQuery,
  ContractEventAnswer,
  ContractEventResource,
  ContractRecord,
  ContractTexts,
  CreateActivation,
  CreateContractEvent,
  CreateWaiver,
  OfferRight,
  RightResource,
  SettingsResource,
  StrandedList,
  WaiverAnswer,
  WaiverResource,
} from '@perdure/protocol';

export interface Viewer {
  /** The id of a key, or `local`. */
  readonly principal: string;
  readonly tenant: string;
  /** Whether it sees what is of other tenants. */
  readonly all: boolean;
}

export interface GovernView {
  /** All that were ever activated, newest first. */
  contracts(): Promise<readonly ContractRecord[]>;
  /** With its texts; null if none has the digest. */
  contract(digest: string): Promise<ContractTexts | null>;
  activations(): Promise<readonly ActivationResource[]>;
  activate(who: Viewer, wanted: CreateActivation): Promise<ActivationAnswer>;
  approveActivation(who: Viewer, id: string): Promise<ActivationAnswer>;
  rejectActivation(who: Viewer, id: string): Promise<ActivationResource>;
  withdrawActivation(who: Viewer, id: string): Promise<ActivationResource>;
  stranded(who: Viewer, after: string | null): Promise<StrandedList>;
  waivers(who: Viewer): Promise<readonly WaiverResource[]>;
  grantWaiver(who: Viewer, wanted: CreateWaiver): Promise<WaiverAnswer>;
  decideWaiver(who: Viewer, id: string, how: 'approve' | 'reject' | 'revoke'): Promise<WaiverResource>;
  events(): Promise<readonly ContractEventResource[]>;
  recordEvent(who: Viewer, wanted: CreateContractEvent): Promise<ContractEventAnswer>;
  decideEvent(who: Viewer, id: string, how: 'approve' | 'reject' | 'retract'): Promise<ContractEventResource>;
  /** What the configuration settles beside contracts, newest first. */
  settings(): Promise<readonly SettingsResource[]>;
  decideSettings(who: Viewer, id: string, how: 'approve' | 'reject'): Promise<SettingsResource>;
  rights(): Promise<readonly RightResource[]>;
  offerRight(who: Viewer, right: string, wanted: OfferRight): Promise<RightResource>;
  answerRight(who: Viewer, right: string, how: 'accept' | 'decline', wanted: AnswerRight): Promise<RightResource>;
  /** The move that waits, or for `retract` the last one. */
  decideRight(who: Viewer, right: string, how: 'approve' | 'reject' | 'retract'): Promise<RightResource>;
  /** What the viewer may see of the audit. */
  audit(who: Viewer, query: AuditQuery): Promise<AuditPage>;
}
