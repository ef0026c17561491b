/** Makes the compiler prove that a `switch` names every case; at run time it says which value slipped through. */
export function assertNever(value: never, what: string): never {
  throw new Error(`unreachable ${what}: ${JSON.stringify(value)}`);
}
