/** docs/errors.md, from the catalogue. */
import { ERROR_CODES, type ErrorCode, errorBody, ERRORS, perdureError, retryAfterSeconds } from '@perdure/protocol';
import { adviceOn, NEXT, OF_CLIENTS } from './advice.ts';

const HEAD = `# Errors

<!-- Written by \`npm run error-docs\` from packages/protocol/src/errors.ts: change it there. -->

Every error has a stable \`code\`; programs switch on it, never on the message. Over HTTP it comes in OpenAI's envelope, with the parameter at fault where there is one and with \`details\` where a program can use them. Every
answer has an \`x-request-id\`. \`perdure errors CODE\` tells the same on the command line.

In a stream, an error before the first event is an HTTP error. Later it is an \`error\` event, and after it comes \`response.failed\` with the same code.

What helps is one of five things:

`;

export function errorPage(): string {
  const nexts = Object.entries(NEXT).map(([next, what]) => `- \`${next}\`: ${what}`);
  const index = ERROR_CODES.map(code => `| [\`${code}\`](#${code}) | ${ERRORS[code].status} | ${ERRORS[code].next} |`);
  const list = ['| code | HTTP | what helps |', '| --- | --- | --- |', ...index];
  return `${HEAD}${nexts.join('\n')}\n\n${list.join('\n')}\n\n${ERROR_CODES.map(section).join('\n')}`;
}

function section(code: ErrorCode): string {
  const { status, type, summary } = ERRORS[code];
  const about = [`## ${code}`, '', summary, '', adviceOn(code), ''];
  return [
    ...about,
    ...(OF_CLIENTS.has(code) ? [`HTTP status: none. Type: \`${type}\`.`] : example(code, status)),
    '',
  ].join('\n');
}

/** What the server writes for it, made as it makes it. */
function example(code: ErrorCode, status: number): readonly string[] {
  const error = perdureError(code);
  const wait = retryAfterSeconds(error);
  const lines = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    ...(wait === null ? [] : [`retry-after: ${wait}`]),
  ];
  return ['```http', ...lines, '', JSON.stringify(errorBody(error), null, 2), '```'];
}
