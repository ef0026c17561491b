export { runEmulatorCommand } from './command.ts';
export { type Behaviour, type Break, describeFault, type Fault, parseFault, type RetryAfter } from './faults.ts';
export type { Emulator, EmulatorOptions } from './options.ts';
export type { LoggedRequest } from './request-log.ts';
export { startEmulator } from './server.ts';
export { countTokens } from './tokens.ts';
