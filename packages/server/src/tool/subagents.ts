/**
 * The sub-agents of a session, and what may become of them. Pure: transitions return a new tree, or why there is none.
 *
 * T1  Each has a parent in the tree: the session's own agent, or another sub-agent. It is never deeper than the bound.
 * T2  No more are open at once than the session's agent may have, and no more were ever made than a session may hold.
 * T3  What is closed has nothing open below it, and runs nothing.
 * T4  Nobody reaches a sub-agent that is not below him.
 */

export interface SubagentBounds {
  /** Below the session's own agent; 1: sub-agents make none. */
  readonly depth: number;
  /** Open at once: `max_concurrent_subagents`. */
  readonly open: number;
  /** Ever made in a session, closed ones too. */
  readonly total: number;
}
export const SUBAGENT_DEPTH = 3;

export interface Subagent {
  readonly id: string;
  readonly name: string | null;
  /** An agent's id: that of the session's own, or of another sub-agent. */
  readonly parent: string;
  /** 1 for those that the session's own agent made. */
  readonly depth: number;
  readonly status: 'active' | 'closed';
  /** Whether a turn of it is under way; never when it is closed. */
  readonly running: boolean;
  /** ms since 1970. */
  readonly openedAt: number;
  /** Null while it is active, also after it was resumed. */
  readonly closedAt: number | null;
}

export interface SubagentTree {
  /** The id of the session's own agent. */
  readonly root: string;
  readonly bounds: SubagentBounds;
  /** In the order in which they were made. */
  readonly all: readonly Subagent[];
}

export type SubagentFault = {
  readonly ok: false;
  readonly code: 'subagent_not_found' | 'subagent_limit_reached' | 'subagent_depth_exceeded' | 'subagent_closed';
  readonly message: string;
};
export type SubagentChange =
  /** `changed`: those that are different now, in the order in which their events are told. */
  { readonly ok: true; readonly tree: SubagentTree; readonly changed: readonly Subagent[] } | SubagentFault;

export function emptyTree(root: string, bounds: SubagentBounds): SubagentTree {
  return { root, bounds, all: [] };
}

export function openSubagents(tree: SubagentTree): readonly Subagent[] {
  return tree.all.filter(one => one.status === 'active');
}

/** @param by whose tool call it is */
export function createSubagent(
  tree: SubagentTree,
  by: string,
  { id, name, at }: { readonly id: string; readonly name: string | null; readonly at: number },
): SubagentChange {
  const parent = find(tree, by);
  if (by !== tree.root && parent?.status !== 'active') return notFound();
  const depth = (parent?.depth ?? 0) + 1;
  const { bounds, all } = tree;
  if (depth > bounds.depth)
    return fault('subagent_depth_exceeded', `Sub-agents go ${bounds.depth} levels deep: do this yourself.`);
  if (openSubagents(tree).length >= bounds.open)
    return fault('subagent_limit_reached', `${bounds.open} sub-agents may be open at once: close one first.`);
  if (all.length >= bounds.total || all.some(one => one.id === id))
    return fault('subagent_limit_reached', `A session makes ${bounds.total} sub-agents at most.`);
  const made: Subagent = {
    id,
    name,
    parent: by,
    depth,
    status: 'active',
    running: false,
    openedAt: at,
    closedAt: null,
  };
  return { ok: true, tree: { ...tree, all: [...all, made] }, changed: [made] };
}

/** A turn of it begins: it was given input. */
export function startSubagent(tree: SubagentTree, by: string, id: string): SubagentChange {
  const found = reach(tree, by, id);
  if (found === null) return notFound();
  if (found.status === 'closed') return fault('subagent_closed', 'The sub-agent is closed: resume it first.');
  if (found.running) return { ok: true, tree, changed: [] };
  return put(tree, [{ ...found, running: true }]);
}

/** Its turn is over, however it ended: told by the engine, not by an agent. */
export function restSubagent(tree: SubagentTree, id: string): SubagentChange {
  const found = find(tree, id);
  if (found === null) return notFound();
  return found.running ? put(tree, [{ ...found, running: false }]) : { ok: true, tree, changed: [] };
}

/** Closes it and all below it, the deepest first. What they run ends. Closed ones stay as they are. */
export function closeSubagent(tree: SubagentTree, by: string, id: string, at: number): SubagentChange {
  const found = reach(tree, by, id);
  if (found === null) return notFound();
  const below = tree.all.filter(one => one.id === id || isBelow(tree, one, id));
  const open = below.filter(one => one.status === 'active').toSorted((a, b) => b.depth - a.depth);
  return put(
    tree,
    open.map(one => ({ ...one, status: 'closed', running: false, closedAt: at })),
  );
}

/** Opens it again; what was below it stays closed. */
export function resumeSubagent(tree: SubagentTree, by: string, id: string): SubagentChange {
  const found = reach(tree, by, id);
  if (found === null) return notFound();
  if (found.status === 'active') return { ok: true, tree, changed: [] };
  if (found.parent !== tree.root && find(tree, found.parent)?.status !== 'active')
    return fault('subagent_closed', 'The agent that made it is closed: resume that first.');
  if (openSubagents(tree).length >= tree.bounds.open)
    return fault('subagent_limit_reached', `${tree.bounds.open} sub-agents may be open at once: close one first.`);
  return put(tree, [{ ...found, status: 'active', closedAt: null }]);
}

/** The one of that id, if it is below the agent that asks. */
export function reach(tree: SubagentTree, by: string, id: string): Subagent | null {
  const found = find(tree, id);
  return found !== null && isBelow(tree, found, by) ? found : null;
}

function isBelow(tree: SubagentTree, one: Subagent, ancestor: string): boolean {
  if (one.parent === ancestor) return true;
  const parent = find(tree, one.parent);
  return parent !== null && isBelow(tree, parent, ancestor);
}

function find(tree: SubagentTree, id: string): Subagent | null {
  return tree.all.find(one => one.id === id) ?? null;
}

function put(tree: SubagentTree, changed: readonly Subagent[]): SubagentChange {
  const all = tree.all.map(one => changed.find(({ id }) => id === one.id) ?? one);
  return { ok: true, tree: { ...tree, all }, changed };
}

function notFound(): SubagentFault {
  return fault('subagent_not_found', 'There is no such sub-agent of yours.');
}

function fault(code: SubagentFault['code'], message: string): SubagentFault {
  return { ok: false, code, message };
}
