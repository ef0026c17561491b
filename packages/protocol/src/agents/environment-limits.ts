/** Bounds of environments and their templates. */
export const ENVIRONMENT_LIMITS: {
  /** Files that one environment is given at its creation. */
  readonly files: number;
  /**
   * Characters of all that is given inline (files, skills, plugins, commands, variables) as JSON. What is larger is uploaded to
   * `/v1/files` and given by its id.
   */
  readonly inlineChars: number;
  readonly pathChars: number;
  readonly envVars: number;
  readonly envNameChars: number;
  readonly envValueChars: number;
  readonly setupCommands: number;
  readonly commandChars: number;
  readonly skills: number;
  readonly plugins: number;
  readonly domains: number;
  readonly capabilityDirectories: number;
  readonly vaults: number;
  readonly templateNameChars: number;
} = {
  files: 100,
  inlineChars: 900_000,
  pathChars: 1_024,
  envVars: 64,
  envNameChars: 128,
  envValueChars: 8_192,
  setupCommands: 32,
  commandChars: 8_192,
  skills: 32,
  plugins: 32,
  domains: 256,
  capabilityDirectories: 32,
  vaults: 10,
  templateNameChars: 256,
};

/** Where a hosted environment's files lie, as its commands and its users see them. */
export const WORKSPACE_DIRECTORY = '/workspace';
/** What a turn leaves here becomes an artifact. */
export const OUTPUTS_DIRECTORY = '/workspace/outputs';

/** Segments of a path without `.`, `..`, empty ones, backslashes and NUL; null if it has any. */
export function pathParts(path: string): readonly string[] | null {
  if (!path.startsWith('/') || path.includes('\\') || path.includes('\0')) return null;
  const parts = path.slice(1).split('/');
  return parts.some(part => part === '' || part === '.' || part === '..') ? null : parts;
}

/** Names directly below the workspace that belong to the runtime. */
export function isReserved(name: string): boolean {
  return name === '.codex' || name === '.managed-agents' || name.startsWith('.managed-agents-');
}

/** Whether a file may be put there: below `/workspace`, not in a reserved folder, not the folder of outputs itself. */
export function isFilePath(path: string): boolean {
  const parts = pathParts(path);
  if (parts === null || parts[0] !== 'workspace' || parts.length < 2) return false;
  return !isReserved(parts[1] ?? '') && path !== OUTPUTS_DIRECTORY;
}

/** Bytes that standard base64 stands for. */
export function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}
