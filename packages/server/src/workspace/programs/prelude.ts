/**
 * What a program finds in its interpreter, as the interpreter's own JavaScript: `tools`, `text`, a chance that is drawn from its seed, and no more.
 * It takes what it needs of the language before the program runs, so that a program that changes the language changes it for itself alone; what
 * crosses to the host is strings and numbers.
 */
export const PRELUDE: string = `(function (call, emit, settle, seeds) {
  'use strict';
  const { parse, stringify } = JSON;
  const { create, defineProperty, freeze } = Object;
  const { imul } = Math;
  const { Promise, Proxy, Error, TypeError, String } = globalThis;

  let [a, b, c, d] = seeds;
  const random = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  defineProperty(globalThis.Math, 'random', { value: random, writable: true, configurable: true });

  const open = create(null);
  const invoke = (name, given) =>
    new Promise((resolve, reject) => {
      const written = stringify(given === undefined ? {} : given);
      if (written === undefined || written[0] !== '{') throw new TypeError('a tool takes one object');
      const index = call(name, written);
      open[index] = { __proto__: null, resolve, reject };
    });
  const failure = (code, message) => {
    const error = new Error(message);
    defineProperty(error, 'name', { value: 'ToolError', configurable: true });
    defineProperty(error, 'code', { value: code, enumerable: true, configurable: true });
    return error;
  };
  // Structured results are what programs are for; a text that only looks like one stays as it is.
  const valueOf = text => {
    if (text[0] !== '{' && text[0] !== '[') return text;
    try {
      return parse(text);
    } catch {
      return text;
    }
  };
  const deliver = (index, ok, text, code) => {
    const { resolve, reject } = open[index];
    delete open[index];
    if (ok) resolve(valueOf(text));
    else reject(failure(code, text));
  };

  const functions = create(null);
  const tools = new Proxy(freeze(create(null)), {
    __proto__: null,
    // Awaited or printed it is no promise and no JSON.
    get: (_, name) =>
      typeof name !== 'string' || name === 'then' || name === 'toJSON'
        ? undefined
        : (functions[name] ??= given => invoke(name, given)),
  });
  const textOf = value => (typeof value === 'string' ? value : (stringify(value) ?? ''));
  const told = error => {
    try {
      if (typeof error !== 'object' || error === null) return String(error);
      const { name, message, stack } = error;
      const line = typeof stack === 'string' ? (/program\\.js:(\\d+)/.exec(stack)?.[1] ?? null) : null;
      return String(name ?? 'Error') + ': ' + String(message ?? '') + (line === null ? '' : ' (line ' + line + ')');
    } catch {
      return 'Error';
    }
  };
  const define = (name, value) => defineProperty(globalThis, name, { value, writable: true, configurable: true });
  define('tools', tools);
  define('text', value => void emit(textOf(value)));
  const start = async main => {
    let output;
    try {
      const value = await main();
      output = value === undefined ? '' : textOf(value);
    } catch (error) {
      settle(false, told(error));
      return;
    }
    settle(true, output);
  };
  return { __proto__: null, start, deliver };
})`;

/** The program as the interpreter reads it. Its first line is line 1. */
export function wrapped(source: string): string {
  return `(async () => {${source}\n})`;
}

export const PROGRAM_FILE = 'program.js';
