/**
 * Named points at which a crash test ends the process, as `kill -9` would: `PERDURE_KILL_POINT=name`, or `name:N` for the Nth time it is
 * reached. Without the variable a point is one comparison. Read once; works inside a worker, and ends the whole process.
 */
export const STORE_KILL_POINTS = [
  'writer.before-begin',
  'writer.after-insert',
  'writer.mid-batch',
  'writer.before-commit',
  'writer.after-commit',
  'release.before-commit',
  'release.after-commit',
  'checkpoint.before',
  'checkpoint.after',
] as const;
export type StoreKillPoint = (typeof STORE_KILL_POINTS)[number];

const [wanted, nth] = (process.env['PERDURE_KILL_POINT'] ?? '').split(':');
let left = Number(nth ?? 1);

export function point(name: StoreKillPoint): void {
  if (wanted !== name) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}
