/** The limits as docs/configuration.md shows them. */
import { type Bound, SERVER_BOUNDS, UPSTREAM_BOUNDS } from './limits.ts';

export function limitsTable(): string {
  const rows = [
    ...Object.values<Bound>(SERVER_BOUNDS).map(bound => row(bound.name, bound)),
    ...Object.values<Bound>(UPSTREAM_BOUNDS).map(bound => row(`upstream.${bound.name}`, bound)),
  ];
  return ['| limit | unit | default | least | most | what |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

function row(name: string, { unit, default: value, min, max, what }: Bound): string {
  return `| \`${name}\` | ${unit} | ${value} | ${min} | ${max} | ${what} |`;
}
