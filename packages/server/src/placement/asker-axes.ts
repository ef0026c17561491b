/** The dimensions of who asks: the agent, the key and its scopes. */
import type { Axis, Draft, SpaceParts } from './axis.ts';
import { axis, constantsOf, numberChoices, textChoices } from './axis-parts.ts';
import { choice, type Choice } from './dimension.ts';
import type { AgentFacts } from './facts.ts';

const setKey = (draft: Draft, value: string): void => {
  draft.key = value;
};
const setAgent = (draft: Draft, value: AgentFacts | null): void => {
  draft.agent = value;
};

/** The agent, the key that asks, and the scopes of it that clauses name. */
export function askerAxes(parts: SpaceParts): readonly Axis[] {
  const { facts } = parts.mentions;
  const key = axis('key', 'key', 'key', textChoices(parts, 'session.key', 'key'), setKey, ['session.key']);
  const scopes = constantsOf(parts, 'session.scopes').map(scope => ({
    ...axis(
      `scope:${scope}`,
      'scopes',
      '',
      [choice(`key without ${scope}`, false), choice(`key with ${scope}`, true)],
      (draft, has: boolean) => {
        if (has) draft.scopes = [...draft.scopes, scope];
      },
      ['session.scopes'],
    ),
    word: scope,
  }));
  const agents = axis('agent', 'agent', '', agentChoices(parts), setAgent, ['call.agent']);
  const asked = ['call.agent', 'call.agent.id', 'call.agent.version'].some(path => facts.has(path));
  return [...(asked ? [agents] : []), ...(facts.has('session.key') ? [key] : []), ...scopes];
}

function agentChoices(parts: SpaceParts): Choice<AgentFacts | null>[] {
  const ids = textChoices(parts, 'call.agent.id', 'agent');
  const versions = numberChoices(parts.mentions.facts.get('call.agent.version')?.constants ?? [], 1);
  const agents = ids.flatMap(id =>
    versions.map(version => {
      const of = id.rest ? id.label : `agent ${id.label}`;
      const label = versions.length === 1 ? of : `${of}, version ${version.label}`;
      return choice<AgentFacts | null>(label, { id: id.value, version: version.value }, { rest: id.rest });
    }),
  );
  return [choice<AgentFacts | null>('no agent', null), ...agents];
}
