/** Whether a policy can tell one moment from another, or what a session has done so far. If not, what it decides can be kept. */

type Node = Readonly<Record<string, unknown>>;

function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isContext(json: unknown): boolean {
  return isNode(json) && json['Var'] === 'context';
}

/** `of.attr`, taken apart. */
function access(node: unknown): { of: unknown; attr: unknown } | null {
  const inner = isNode(node) ? node['.'] : undefined;
  return isNode(inner) ? { of: inner['left'], attr: inner['attr'] } : null;
}

/**
 * True unless every use of the context is an attribute that is not the time: `context.class`, `context.call.vendor`. A use that cannot
 * be told (the whole record compared, say) counts as reading the time.
 */
export function readsTime(est: unknown): boolean {
  if (Array.isArray(est)) return est.some(readsTime);
  if (!isNode(est)) return false;
  if (isContext(est)) return true;
  const outer = access(est);
  if (outer !== null) {
    if (isContext(outer.of)) return outer.attr !== 'class' && outer.attr !== 'segment';
    const inner = access(outer.of);
    if (inner !== null && isContext(inner.of) && inner.attr === 'call') return outer.attr === 'at';
    if (inner !== null && isContext(inner.of) && inner.attr === 'use') return false;
  }
  return Object.values(est).some(readsTime);
}

/** True unless every use of the context is an attribute that is not the session's use. Only definitions are told it. */
export function readsUse(est: unknown): boolean {
  if (Array.isArray(est)) return est.some(readsUse);
  if (!isNode(est)) return false;
  if (isContext(est)) return true;
  const { of, attr } = access(est) ?? {};
  if (isContext(of)) return attr === 'use';
  return Object.values(est).some(readsUse);
}
