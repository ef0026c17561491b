/** Who may do something now: at most so many at once, the others in the order in which they came. */
export interface Turns {
  /** @throws the signal's reason, if it aborts while waiting */
  take(signal: AbortSignal): Promise<() => void>;
}

export function makeTurns(most: number): Turns {
  let taken = 0;
  const waiting: (() => void)[] = [];
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken--;
    else next();
  };
  return {
    async take(signal) {
      signal.throwIfAborted();
      if (taken < most) taken++;
      else
        await new Promise<void>((resolve, reject) => {
          const begin = (): void => {
            signal.removeEventListener('abort', leave);
            resolve();
          };
          const leave = (): void => {
            waiting.splice(waiting.indexOf(begin), 1);
            reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
          };
          waiting.push(begin);
          signal.addEventListener('abort', leave, { once: true });
        });
      let given = false;
      return () => {
        if (given) return;
        given = true;
        give();
      };
    },
  };
}
