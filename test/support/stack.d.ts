/** A whole deployment inside a test: the real server on a free port, a data folder of its own, and the emulated clouds as upstreams. */
import { type Emulator, type EmulatorOptions, type LoggedRequest } from '@perdure/emulator';
import OpenAI from 'openai';
import { type ComposeOptions } from '../../packages/server/src/main/compose.ts';
import type { FileConfig, FileTarget } from '../../packages/server/src/main/config/schema.ts';
import { WireCheck } from './wire-check.ts';
/** The model that every target of a stack serves, unless its configuration says otherwise. */
export declare const MODEL = 'gpt-5.5';
/** Where the emulated clouds are said to be. */
export declare const CLOUDS: {
  readonly [cloud: string]: {
    readonly region: string;
    readonly jurisdiction: string;
  };
};
export interface StackOptions {
  /** Laid over the default: one target a cloud, no contracts, no keys, short deadlines. */
  readonly config?: Partial<FileConfig> | ((emulator: Emulator) => Partial<FileConfig>);
  readonly clouds?: readonly string[];
  readonly emulator?: Omit<EmulatorOptions, 'clouds'>;
  readonly openHome?: ComposeOptions['openHome'];
}
export interface Stack {
  readonly url: string;
  readonly data: string;
  readonly emulator: Emulator;
  readonly wire: WireCheck;
  /** What the server told its operator. */
  readonly notes: readonly string[];
  /** The official client, which tries once; every answer that it gets is checked. */
  openai(key?: string): OpenAI;
  /** One request by hand, checked too. `body` is sent as JSON. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** What the emulated clouds were asked, oldest first. */
  upstream(): Promise<readonly LoggedRequest[]>;
  /** A fault for the calls that match, in the emulator's words (`cut 5`). */
  fault(
    fault: string,
    options?: {
      readonly cloud?: string;
      readonly contains?: string;
      readonly times?: number;
    },
  ): Promise<void>;
  /** Ends every fault and forgets the upstream's log. */
  calm(): Promise<void>;
  /** Ends the server and starts it again on the same data. */
  restart(): Promise<void>;
  /** Ends the server only: the data stays to be looked at. */
  stop(): Promise<void>;
  /** Ends all and removes the data. Throws if anything that was sent broke its schema. */
  close(): Promise<void>;
}
export interface RequestOptions {
  readonly body?: unknown;
  readonly key?: string;
  readonly headers?: {
    readonly [name: string]: string;
  };
  readonly signal?: AbortSignal;
}
export declare function targetOf(emulator: Emulator, cloud: string, over?: Partial<FileTarget>): FileTarget;
export declare function startStack(options?: StackOptions): Promise<Stack>;
