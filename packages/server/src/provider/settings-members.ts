/** The settings of a call as members of its request's JSON. */
import type { CallSettings } from '../engine/ports.ts';

/**
 * Members with a comma after each; empty if there are none. Written once for each settings object: a turn sizes its settings and then sends
 * them.
 * @param write the request's fields in their order; those that are undefined are left out
 */
export function settingsMembers(write: (settings: CallSettings) => object): (settings: CallSettings) => string {
  const written = new WeakMap<CallSettings, string>();
  return settings => {
    const known = written.get(settings);
    if (known !== undefined) return known;
    const members = JSON.stringify(write(settings));
    const said = members === '{}' ? '' : `${members.slice(1, -1)},`;
    written.set(settings, said);
    return said;
  };
}
