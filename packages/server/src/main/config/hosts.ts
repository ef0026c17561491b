/**
 * What a host says of where it is: cloud and region, by how the providers name their hosts. A target that declares something else is a
 * mistake that would make every decision about it wrong. Pure; a host that is not known says nothing.
 */
export interface HostPlace {
  readonly cloud: string;
  /** Null: the name does not tell. */
  readonly region: string | null;
}

interface Pattern {
  readonly cloud: string;
  /** Of the whole host, lower case. The group `region`, if there is one, is the region. */
  readonly host: RegExp;
}

const REGION = '(?<region>[a-z]{2}(?:-[a-z]+)+-\\d+)';

/** The first that fits counts. */
const PATTERNS: readonly Pattern[] = [
  {
    cloud: 'aws',
    host: new RegExp(`^bedrock(?:-[a-z]+)*(?:-fips)?\\.${REGION}\\.(?:amazonaws\\.com(?:\\.cn)?|api\\.aws)$`),
  },
  { cloud: 'aws', host: new RegExp(`^(?:[a-z0-9-]+\\.)*${REGION}\\.vpce\\.amazonaws\\.com$`) },
  {
    cloud: 'aws',
    host: new RegExp(`^(?:[a-z0-9-]+\\.)+${REGION}\\.(?:elb\\.amazonaws\\.com|amazonaws\\.com|on\\.aws)$`),
  },
  { cloud: 'aws', host: /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|on\.aws|api\.aws)$/ },
  { cloud: 'azure', host: /^(?<region>[a-z]+[a-z0-9]*)\.api\.cognitive\.microsoft\.(?:com|us)$/ },
  {
    cloud: 'azure',
    host: /^(?:[a-z0-9-]+\.)+(?<region>[a-z]+[a-z0-9]*)\.(?:models\.ai\.azure|inference\.ml\.azure|azurecontainerapps)\.(?:com|io)$/,
  },
  {
    cloud: 'azure',
    host: /(?:^|\.)(?:openai\.azure\.(?:com|us)|cognitiveservices\.azure\.(?:com|us)|services\.ai\.azure\.com|azure-api\.(?:net|us)|azurewebsites\.net|azure\.com)$/,
  },
  { cloud: 'gcp', host: new RegExp('^(?<region>[a-z]+(?:-[a-z]+)+\\d+)-aiplatform\\.googleapis\\.com$') },
  { cloud: 'gcp', host: /^aiplatform\.(?<region>[a-z]+(?:-[a-z]+)+\d+)\.rep\.googleapis\.com$/ },
  { cloud: 'gcp', host: /^[a-z0-9-]+\.(?<region>[a-z]+(?:-[a-z]+)+\d+)\.run\.app$/ },
  { cloud: 'gcp', host: /(?:^|\.)(?:googleapis\.com|run\.app)$/ },
];

/** Null for a host that is not known: a proxy, an address, a vendor's own. */
export function placeOfHost(host: string): HostPlace | null {
  const name = host.toLowerCase().replace(/\.$/, '');
  for (const { cloud, host: pattern } of PATTERNS) {
    const match = pattern.exec(name);
    if (match !== null) return { cloud, region: match.groups?.['region'] ?? null };
  }
  return null;
}

export type HostVerdict =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'differs'; readonly field: 'cloud' | 'region'; readonly found: string };

/** How a host goes together with what a target declares. Contracts may name a region their own way: compared without case and dashes. */
export function compareHost(host: string, declared: { readonly cloud: string; readonly region: string }): HostVerdict {
  const place = placeOfHost(host);
  if (place === null) return { kind: 'unknown' };
  if (plain(place.cloud) !== plain(declared.cloud)) return { kind: 'differs', field: 'cloud', found: place.cloud };
  if (place.region !== null && plain(place.region) !== plain(declared.region))
    return { kind: 'differs', field: 'region', found: place.region };
  return { kind: 'agrees' };
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('-', '');
}
