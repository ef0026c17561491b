/**
 * One program in QuickJS, compiled to WebAssembly: no object of the host is reachable from it. Runs in a thread of its own (`worker.ts`), whose
 * clock was taken away; `host.ts` ends the thread if it computes for too long.
 */
import { createHash } from 'node:crypto';
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from 'quickjs-emscripten-core';
import type { Program } from '../../engine/programs/ports.ts';
import { bounded } from '../../engine/tools/output.ts';
import {
  jsonDepth,
  type ProgramCall,
  type ProgramEnd,
  type ProgramLimits,
  type ProgramResult,
  type ProgramStep,
} from '../../tool/program.ts';
import { PRELUDE, PROGRAM_FILE, wrapped } from './prelude.ts';

/** The interpreter says that it is at work every so many steps, in thousands. */
const STEPS_A_TICK = 10;
/** Characters of a message about a failure. */
const MESSAGE_CHARS = 2_000;

export class Interpreter {
  readonly #limits: ProgramLimits;
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  #deliver: QuickJSHandle | null = null;
  #calls: ProgramCall[] = [];
  #made = 0;
  #open = 0;
  #ticks = 0;
  #texts: string[] = [];
  #chars = 0;
  /** What ends it whatever it does. */
  #over: string | null = null;
  #end: ProgramEnd | null = null;

  private constructor(runtime: QuickJSRuntime, limits: ProgramLimits) {
    this.#limits = limits;
    this.#runtime = runtime;
    runtime.setMemoryLimit(limits.memoryBytes);
    runtime.setMaxStackSize(limits.stackBytes);
    runtime.setInterruptHandler(() => {
      this.#ticks += 1;
      if (this.#ticks * STEPS_A_TICK > limits.steps) this.#over ??= 'It computed for too long.';
      return this.#over !== null;
    });
    this.#context = runtime.newContext();
  }

  static async begin(
    program: Pick<Program, 'source' | 'seed'>,
    limits: ProgramLimits,
  ): Promise<{ readonly interpreter: Interpreter; readonly first: ProgramStep }> {
    const quick = await newQuickJSWASMModuleFromVariant(import('@jitl/quickjs-wasmfile-release-sync'));
    const interpreter = new Interpreter(quick.newRuntime(), limits);
    return { interpreter, first: interpreter.#begin(program) };
  }

  #begin({ source, seed }: Pick<Program, 'source' | 'seed'>): ProgramStep {
    return this.#step(() => {
      const context = this.#context;
      const made = context.unwrapResult(context.evalCode(PRELUDE, 'prelude.js'));
      const parts = context.unwrapResult(context.callFunction(made, context.undefined, ...this.#given(seed)));
      this.#deliver = context.getProp(parts, 'deliver');
      const main = context.evalCode(wrapped(source), PROGRAM_FILE);
      if (main.error) {
        const { name, message } = context.dump(main.error) as { name?: string; message?: string };
        this.#fail(`${name ?? 'Error'}: ${message ?? ''}`);
        return;
      }
      context.unwrapResult(context.callFunction(context.getProp(parts, 'start'), context.undefined, main.value));
    });
  }

  /** What the prelude is handed: its three ways out, and the seed as four numbers. */
  #given(seed: string): QuickJSHandle[] {
    const context = this.#context;
    const call = context.newFunction('call', (name, args) =>
      context.newNumber(this.#call(context.getString(name), context.getString(args))),
    );
    const emit = context.newFunction('emit', text => {
      const given = context.getString(text);
      // What is over the bound twice is not kept to be left out.
      if (this.#chars <= 2 * this.#limits.output) this.#texts.push(given);
      this.#chars += given.length;
    });
    const settle = context.newFunction('settle', (ok, text) => {
      const told = context.getString(text);
      if (context.dump(ok) === true) this.#finish(told);
      else this.#fail(told);
    });
    const digest = createHash('sha256').update(seed).digest();
    const words = [0, 4, 8, 12].map(at => digest.readInt32LE(at));
    return [call, emit, settle, context.unwrapResult(context.evalCode(JSON.stringify(words)))];
  }

  /** What came of one of its calls, and all that follows from it. */
  feed(result: ProgramResult): ProgramStep {
    return this.#step(() => this.#take(result));
  }

  #take({ index, ok, text, code }: ProgramResult): void {
    const context = this.#context;
    if (this.#deliver === null) throw new Error('the program was not begun');
    this.#open -= 1;
    const given = [
      context.newNumber(index),
      ok ? context.true : context.false,
      context.newString(text),
      context.newString(code ?? ''),
    ];
    context.unwrapResult(context.callFunction(this.#deliver, context.undefined, ...given)).dispose();
    for (const handle of given) if (handle.alive) handle.dispose();
  }

  #step(work: () => void): ProgramStep {
    this.#calls = [];
    try {
      work();
      this.#drain();
    } catch (error) {
      // The interpreter itself gave up: no memory is left even to say so.
      this.#over ??= `It could not go on: ${error instanceof Error ? error.message : 'the interpreter failed'}`;
    }
    if (this.#over !== null)
      this.#end = { ok: false, code: 'program_limit', message: this.#over.slice(0, MESSAGE_CHARS) };
    if (this.#end === null && this.#open === 0)
      this.#end = {
        ok: false,
        code: 'program_stalled',
        message: 'It waits for a promise that nothing settles, and none of its calls is open.',
      };
    return { calls: this.#calls, end: this.#end };
  }

  #drain(): void {
    while (this.#over === null && this.#runtime.hasPendingJob()) {
      const done = this.#runtime.executePendingJobs();
      // A job that fails has its promise to say so.
      if (done.error) done.error.dispose();
    }
  }

  #call(name: string, args: string): number {
    const { calls, arguments: most, depth } = this.#limits;
    if (this.#made >= calls) {
      this.#over ??= `It made more than ${calls} calls.`;
      throw new Error(this.#over);
    }
    if (args.length > most)
      throw new Error(`the arguments have ${args.length} characters; at most ${most} are allowed`);
    if (jsonDepth(args) > depth) throw new Error(`the arguments are nested more than ${depth} deep`);
    this.#calls.push({ name, arguments: args });
    this.#open += 1;
    return this.#made++;
  }

  #finish(returned: string): void {
    if (returned !== '') this.#texts.push(returned);
    const all = this.#texts.join('\n');
    const { depth, output } = this.#limits;
    const [first = ''] = returned;
    if ((first === '{' || first === '[') && jsonDepth(returned) > depth)
      this.#over ??= `What it returns is nested more than ${depth} deep.`;
    this.#end ??= { ok: true, output: bounded(all, output) };
  }

  #fail(told: string): void {
    const message = told === '' ? 'It failed.' : told;
    this.#end ??= { ok: false, code: 'program_error', message: message.slice(0, MESSAGE_CHARS) };
  }
}
