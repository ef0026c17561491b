/** What holds of every answer, whatever was asked. */
import { ERRORS, isErrorCode } from '@perdure/protocol';
import type { Answer, Outcome } from './send.ts';

/** Null if the law holds. */
export function breach({ answers, frames, broken }: Outcome): string | null {
  if (broken !== null) return broken;
  for (const answer of answers) {
    const fault = faultOf(answer);
    if (fault !== null) return `${fault}: ${answer.status} ${answer.body.slice(0, 300)}`;
  }
  for (const frame of frames) {
    const fault = frameFault(frame);
    if (fault !== null) return `${fault}: ${frame.slice(0, 300)}`;
  }
  return null;
}

/** What an outcome is counted as. */
export function nameOf({ answers, frames, broken }: Outcome): string {
  const [answer] = answers;
  if (broken !== null) return 'broken';
  if (answer === undefined) return frames.length > 0 ? 'frames' : 'nothing';
  const code = answer.status >= 400 ? codeIn(answer.body) : null;
  return code === null ? String(answer.status) : `${answer.status} ${code}`;
}

function faultOf({ method, status, type, body }: Answer): string | null {
  if (status < 100 || status > 599) return 'no status of HTTP';
  if (status < 400) return null;
  // An answer to HEAD has no body.
  if (method === 'HEAD' && body === '') return status >= 500 ? 'a failure of the server' : null;
  if (status === 503 && body.includes('"checks"')) return null;
  if (!type.startsWith('application/json')) return `an error of type '${type}'`;
  return envelopeFault(body, status);
}

function envelopeFault(body: string, status: number): string | null {
  const error = errorIn(body);
  if (error === null) return 'an error without the envelope';
  const { code, message, param, type } = error;
  if (typeof code !== 'string' || !isErrorCode(code)) return `a code that is not in the catalogue, ${String(code)}`;
  if (typeof message !== 'string' || message === '') return 'an error without a message';
  if (/\n\s+at \S/.test(message)) return 'an error that shows a stack';
  if (param !== null && typeof param !== 'string') return 'a param that is no text';
  if (type !== ERRORS[code].type && status === ERRORS[code].status) return `the type ${String(type)} with ${code}`;
  return status >= 500 ? 'a failure of the server' : null;
}

function frameFault(frame: string): string | null {
  const value = parsed(frame);
  if (typeof value !== 'object' || value === null) return 'a frame that is no object';
  const { type, status } = value as { readonly [name: string]: unknown };
  if (typeof type !== 'string') return 'a frame without a type';
  return type === 'error' ? envelopeFault(frame, typeof status === 'number' ? status : 400) : null;
}

function errorIn(body: string): { readonly [name: string]: unknown } | null {
  const value = parsed(body);
  if (typeof value !== 'object' || value === null || !('error' in value)) return null;
  const { error } = value;
  return typeof error === 'object' && error !== null ? (error as { readonly [name: string]: unknown }) : null;
}

function codeIn(body: string): string | null {
  const code = errorIn(body)?.['code'];
  return typeof code === 'string' ? code : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
