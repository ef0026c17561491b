/** `multipart/form-data` with one file, read as it comes: the file's bytes go on part by part, and the form's fields are few and short. */
import type { Busboy, BusboyHeaders, BusboyInstance } from '@fastify/busboy';
import { LIMITS, perdureError, type PerdureError } from '@perdure/protocol';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { lateModule } from '../../engine/late-module.ts';
import { guardPlain } from '../guard.ts';

const busboy = lateModule<{ readonly Busboy: typeof Busboy }>('@fastify/busboy');

/** Fields beside the file, and what their names and values may have of characters. */
const FIELDS = 16;
const FIELD_NAME_BYTES = 100;
const FIELD_BYTES = 1_024;
const HEADER_BYTES = 8_192;
/** Of a part of the file that is held at a time. */
const PART_BYTES = 64 * 1024;
/** What a body may have beside the file. */
export const FORM_BYTES: number = 64 * 1024;

export interface FileForm {
  readonly filename: string;
  /** Media type as the client gives it. */
  readonly type: string;
  readonly fields: { readonly [name: string]: string };
}

export interface FormOptions {
  /** From the first to the last byte, ms. */
  readonly totalMs: number;
  /** Between two reads, ms. */
  readonly idleMs: number;
  /** Takes the file's bytes as they come; resolves once more may come. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** @throws unsupported_media_type */
export function guardForm(req: Pick<IncomingMessage, 'headers'>): void {
  if (!/^multipart\/form-data\s*;/i.test(req.headers['content-type'] ?? ''))
    throw perdureError('unsupported_media_type', 'A file must be sent as multipart/form-data.');
  guardPlain(req);
}

/**
 * Reads the form to its end. The file may come before the fields that say what it is for.
 * @throws invalid_request, request_too_slow, and what `write` throws
 */
export function readFileForm(req: IncomingMessage, options: FormOptions): Promise<FileForm> {
  return new Promise((resolve, reject) => {
    const parser = openParser(req);
    if (parser === null) return reject(broken());
    const fields: { [name: string]: string } = Object.create(null) as { [name: string]: string };
    let file: { readonly filename: string; readonly type: string; readonly written: Promise<void> } | null = null;
    let over = false;

    const total = setTimeout(() => fail(tooSlow()), options.totalMs);
    let writing = false;
    // While we write, it is not the client who is slow.
    const idle = setTimeout(() => (writing ? idle.refresh() : fail(tooSlow())), options.idleMs);
    const write = async (bytes: Uint8Array): Promise<void> => {
      writing = true;
      try {
        await options.write(bytes);
      } finally {
        writing = false;
        if (!over) idle.refresh();
      }
    };
    const onData = (): void => void idle.refresh();
    const onClose = (): void => {
      if (!req.readableEnded) fail(perdureError('invalid_request', 'The request body ended early.'));
    };
    const settle = (): void => {
      over = true;
      clearTimeout(total);
      clearTimeout(idle);
      req.off('data', onData).off('close', onClose).unpipe(parser);
    };
    const fail = (error: unknown): void => {
      if (over) return;
      settle();
      reject(error);
      parser.destroy();
    };

    parser.on(
      'file',
      (name: string | undefined, stream: Readable, filename: string | undefined, _encoding: string, type: string) => {
        stream.on('error', () => fail(broken()));
        if (name !== 'file') return fail(wrong(`The form's file must be its part 'file'.`));
        if (filename === undefined || filename === '' || filename.length > LIMITS.nameChars)
          return fail(wrong(`The file needs a name of 1 to ${LIMITS.nameChars} characters.`));
        if (/\p{Cc}/u.test(filename)) return fail(wrong('The name of the file holds control characters.'));
        const written = writeAll(stream, write);
        file = { filename, type, written };
        written.catch(fail);
      },
    );
    parser.on('field', (name: string | undefined, value: string, nameCut: boolean, valueCut: boolean) => {
      // The parser's types know of no part without a name; clients do.
      if (name === undefined) return fail(perdureError('invalid_request', 'A field of the form has no name.'));
      if (nameCut || valueCut || name.length > FIELD_NAME_BYTES)
        return fail(perdureError('invalid_request', 'A field of the form is too long.'));
      if (Object.hasOwn(fields, name))
        return fail(perdureError('invalid_request', 'A field of the form is given twice.'));
      fields[name] = value;
    });
    for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const)
      parser.on(limit, () => fail(wrong(`The form holds more than one file or ${FIELDS} fields.`)));
    parser.on('error', () => fail(broken()));
    parser.on('finish', () => {
      if (over) return;
      if (file === null) return fail(wrong("The form holds no part 'file'."));
      const { filename, type, written } = file;
      written.then(() => {
        if (over) return;
        settle();
        resolve({ filename, type, fields });
      }, fail);
    });
    req.on('data', onData).on('close', onClose).pipe(parser);
  });
}

function openParser(req: IncomingMessage): BusboyInstance | null {
  try {
    const { Busboy: NewBusboy } = busboy();
    return new NewBusboy({
      headers: req.headers as BusboyHeaders,
      limits: {
        files: 1,
        fields: FIELDS,
        parts: FIELDS + 1,
        fieldNameSize: FIELD_NAME_BYTES,
        fieldSize: FIELD_BYTES,
        headerSize: HEADER_BYTES,
        headerPairs: 16,
      },
      highWaterMark: PART_BYTES,
      fileHwm: PART_BYTES,
    });
  } catch {
    // No boundary.
    return null;
  }
}

async function writeAll(stream: Readable, write: FormOptions['write']): Promise<void> {
  for await (const part of stream as AsyncIterable<Uint8Array>) await write(part);
}

function wrong(message: string): PerdureError {
  return perdureError('invalid_request', message, { param: 'file' });
}

function broken(): PerdureError {
  return perdureError('invalid_request', 'The request body is no complete multipart/form-data.');
}

function tooSlow(): PerdureError {
  return perdureError('request_too_slow', 'The request body did not arrive in time.');
}
