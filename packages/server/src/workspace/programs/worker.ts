/** The thread of one program. It is started with the program, answers with what it did, and then is fed what came of its calls. */
import { parentPort, workerData } from 'node:worker_threads';
import { Interpreter } from './interpreter.ts';
import { fixTime } from './fixed-time.ts';
import { type ProgramAnswer, type ProgramRequest, type ProgramStart, READY } from './messages.ts';

const port = parentPort;
if (port === null) throw new Error('this runs in a thread of its own');
const { program, limits } = workerData as ProgramStart;
// Before anything is loaded that could look at a clock.
fixTime(program.at);
const say = (answer: ProgramAnswer | typeof READY): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  port.postMessage(answer);
};
say(READY);
const { interpreter, first } = await Interpreter.begin(program, limits);
port.on('message', (result: ProgramRequest) => say(interpreter.feed(result)));
say(first);
