/**
 * Long reads that many may ask for at once: of those with one key one runs at a time. Who asks while one runs shares the next with all others
 * who wait, so that nobody is shown what began before he asked.
 */
export type OneAtATime<T> = (key: string, work: () => Promise<T>) => Promise<T>;

interface Slot<T> {
  readonly running: Promise<unknown>;
  next: Promise<T> | null;
}

export function oneAtATime<T>(): OneAtATime<T> {
  const slots = new Map<string, Slot<T>>();

  function start(key: string, work: () => Promise<T>): Promise<T> {
    const result = work();
    const slot: Slot<T> = { running: result.catch(() => undefined), next: null };
    slots.set(key, slot);
    void slot.running.then(() => {
      if (slots.get(key) === slot && slot.next === null) slots.delete(key);
    });
    return result;
  }

  return (key, work) => {
    const slot = slots.get(key);
    if (slot === undefined) return start(key, work);
    slot.next ??= slot.running.then(() => start(key, work));
    return slot.next;
  };
}
