/** Works of one key, one after another; those of other keys go beside. Nothing is held for a key that has no work. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function makeInTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
