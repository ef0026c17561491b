/** `gen_ai.provider.name`: who serves a model, as the GenAI conventions name it. Of others, the vendor as the configuration names it. */

const ON_CLOUD: { readonly [cloud: string]: string } = { aws: 'aws.bedrock', gcp: 'gcp.vertex_ai' };
const OF_VENDOR: { readonly [vendor: string]: string } = {
  google: 'gcp.gen_ai',
  mistral: 'mistral_ai',
  mistralai: 'mistral_ai',
  moonshot: 'moonshot_ai',
  xai: 'x_ai',
};

/** @param cloud null where it is not known */
export function providerName(vendor: string, cloud: string | null): string {
  if (cloud === 'azure') return vendor === 'openai' ? 'azure.ai.openai' : 'azure.ai.inference';
  return (Object.hasOwn(ON_CLOUD, cloud ?? '') ? ON_CLOUD[cloud ?? ''] : undefined) ?? ofVendor(vendor);
}

function ofVendor(vendor: string): string {
  return (Object.hasOwn(OF_VENDOR, vendor) ? OF_VENDOR[vendor] : undefined) ?? vendor;
}
