/** Environments, templates, files and artifacts in the words of the Agents API: what requests say, and what answers show. */

export const ENVIRONMENT_STATUSES = [
  'pending',
  'ready',
  'connected',
  'disconnected',
  'suspended',
  'expired',
  'failed',
] as const;
export type EnvironmentStatus = (typeof ENVIRONMENT_STATUSES)[number];

export type NetworkAccess = 'enabled' | 'disabled' | 'restricted';
export type NetworkRules = {
  readonly access: NetworkAccess;
  readonly allowed_domains: readonly string[];
  readonly blocked_domains: readonly string[];
};

export type FileGiven =
  | { readonly type: 'file_id'; readonly file_id: string; readonly path: string }
  /** `data` is standard base64. */
  | { readonly type: 'inline'; readonly data: string; readonly path: string };

/** A skill or a plugin as a ZIP archive in base64. */
export type ArchiveGiven = { readonly name: string; readonly description: string; readonly data: string };

export type SetupCommand = { readonly command: string; readonly cwd: string };

/** What a hosted environment is made of. A field that is absent was not given; one that is null asks for the default. */
export type HostedGiven = {
  readonly capability_directories?: readonly string[] | null;
  readonly env?: { readonly [name: string]: string } | null;
  readonly files?: readonly FileGiven[] | null;
  readonly network?: NetworkRules | null;
  readonly plugins?: readonly ArchiveGiven[] | null;
  readonly setup_commands?: readonly SetupCommand[] | null;
  readonly skills?: readonly ArchiveGiven[] | null;
};

export type EnvironmentGiven =
  | { readonly type: 'none' }
  | { readonly type: 'openai_hosted'; readonly template: string | null; readonly hosted: HostedGiven }
  | { readonly type: 'prewarmed'; readonly environment: string }
  | {
      readonly type: 'self_hosted';
      readonly workspace_directory: string;
      readonly capability_directories: readonly string[];
    };

export type EnvironmentBody = {
  readonly environment: { readonly template: string | null; readonly hosted: HostedGiven };
  readonly vault_ids: readonly string[];
};
/** `name`: absent leaves it, null clears it. */
export type TemplateBody = { readonly hosted: HostedGiven; readonly name?: string | null };

// ---- Answers --------------------------------------------------------------------------------------------------------

export type HostedFileResource =
  | {
      readonly id: string;
      readonly file_id: string;
      readonly path: string;
      readonly size_bytes: number;
      readonly type: 'file_id';
    }
  | { readonly id: string; readonly path: string; readonly size_bytes: number; readonly type: 'inline' };
export type CapabilityResource = { readonly description: string; readonly name: string; readonly type: 'inline' };

export type EnvironmentInfo = {
  readonly id: string;
  readonly files: readonly HostedFileResource[];
  readonly object: 'agent.environment';
  readonly plugins: readonly CapabilityResource[];
  readonly skills: readonly CapabilityResource[];
  readonly status: EnvironmentStatus;
  readonly type: 'openai_hosted' | 'self_hosted';
};

export type PackagesResource = {
  readonly npm: readonly string[];
  readonly python: readonly string[];
  readonly system: readonly string[];
};
export const NO_PACKAGES: PackagesResource = { npm: [], python: [], system: [] };

/** The environment as a session shows it. */
export type SessionEnvironment =
  | { readonly type: 'none' }
  | {
      readonly id: string;
      readonly capability_directories: readonly string[];
      readonly files: readonly HostedFileResource[];
      readonly network: { readonly access: NetworkAccess; readonly allowed_domains: readonly string[] };
      readonly packages: PackagesResource;
      readonly plugins: readonly CapabilityResource[];
      readonly skills: readonly CapabilityResource[];
      readonly type: 'openai_hosted';
      /** This server has no such tiers. */
      readonly container_size: null;
      readonly desktop: { readonly enabled: false };
    }
  | {
      readonly id: string;
      readonly capability_directories: readonly string[];
      readonly remote_url: string;
      readonly type: 'self_hosted';
      readonly workspace_directory: string;
    };

/** The state of an environment as the events of its session tell it. */
export type EnvironmentState = {
  readonly id: string;
  readonly error: { readonly code: string; readonly message: string; readonly type: string } | null;
  readonly status: EnvironmentStatus;
  readonly type: 'openai_hosted' | 'self_hosted';
};

export type EnvironmentTemplate = {
  readonly id: string;
  readonly capability_directories: readonly string[];
  readonly created_at: number;
  readonly desktop: { readonly enabled: false };
  readonly files: readonly (
    | { readonly file_id: string; readonly path: string; readonly type: 'file_id' }
    | { readonly path: string; readonly size_bytes: number; readonly type: 'inline' }
  )[];
  readonly name: string | null;
  readonly network: { readonly access: NetworkAccess; readonly allowed_domains: readonly string[] };
  readonly object: 'agent.environment.template';
  readonly packages: PackagesResource;
  readonly plugins: readonly CapabilityResource[];
  readonly skills: readonly CapabilityResource[];
  readonly updated_at: number;
};

export type EnvironmentFile = {
  readonly environment_id: string;
  readonly object: 'agent.environment.file';
  /** Absolute. */
  readonly path: string;
  readonly size_bytes: number;
};
export type EnvironmentFilePage = {
  readonly object: 'list';
  readonly data: readonly EnvironmentFile[];
  readonly has_more: boolean;
  /** The `page` to ask for next; null at the end. */
  readonly next: string | null;
};

export type SessionArtifact = {
  readonly id: string;
  readonly created_at: number;
  readonly environment_id: string;
  readonly object: 'agent.session.artifact';
  readonly path: string;
  readonly session_id: string;
  readonly size_bytes: number;
  readonly turn_id: string;
};
