/**
 * Runs one command in just-bash: an interpreter of bash and of the usual programs, which starts no program of the host. A process of its
 * own, that the server ends when its time is up: the interpreter does not give way. It reads a `JustBashTask` from file descriptor 3.
 */
import { readFileSync } from 'node:fs';
import { Bash, InMemoryFs, MountableFs, ReadWriteFs } from 'just-bash';
import type { JustBashTask } from './task.ts';

const TASK_FD = 3;
const { root, at, cwd, command, env, fileBytes, timeoutMs } = JSON.parse(readFileSync(TASK_FD, 'utf8')) as JustBashTask;

const files = new ReadWriteFs({ root, maxFileReadSize: fileBytes, maxCopySize: fileBytes });
const fs = new MountableFs({ base: new InMemoryFs(), mounts: [{ mountPoint: at, filesystem: files }] });
const bash = new Bash({ fs, cwd, env, executionLimits: { maxExecutionTimeMs: timeoutMs } });
const { stdout, stderr, exitCode } = await bash.exec(command, { cwd });
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
