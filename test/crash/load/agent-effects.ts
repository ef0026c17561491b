/** What the tools of the servers under test did, a line each, in a file that no crash of a server touches: the oracle of what ran, with what. */
export interface Effect {
  readonly tool: string;
  readonly ticket: string;
  readonly text: string;
  readonly key: string;
  readonly session: string;
}

/** The variable of the environment that names the file. */
export const EFFECTS_FILE = 'PERDURE_CRASH_EFFECTS';
