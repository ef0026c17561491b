/**
 * What keeps a credential from whoever runs commands, by name, once the proxy puts it into their requests. The attack suite takes each away and
 * sees an attack succeed. Nothing else ever does. That the host's certificate is verified cannot be taken away.
 */
export type EdgeDefence =
  | 'own-hosts'
  | 'https-only'
  | 'headers-only'
  | 'same-host'
  | 'scrubbed-answers'
  | 'whole-answers'
  | 'plain-answers';

export const EDGE_DEFENCES: { readonly [name in EdgeDefence]: string } = Object.freeze({
  'own-hosts': 'A value is put in for the hosts of its credential alone.',
  'https-only': 'None is put into a request that others on the way could read.',
  'headers-only': 'None is put into a path or a body, where hosts keep and show what they are sent.',
  'same-host': 'Within a tunnel the `Host` must be the host that was connected to, and the path a path.',
  'scrubbed-answers':
    'Values, as they are and in the usual encodings, become placeholders in headers and bodies of answers.',
  'whole-answers': 'No part of an answer is asked for: a value could come back in halves.',
  'plain-answers':
    'Compressed answers are unpacked before they are looked through; what cannot be unpacked is held back.',
});

export type EdgeDefences = ReadonlySet<EdgeDefence>;
export const NO_EDGE_DEFENCE_TAKEN: EdgeDefences = new Set();
