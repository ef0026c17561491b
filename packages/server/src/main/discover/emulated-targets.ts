/** Three clouds that are none: the same model at three places, which differ in law, price and silicon. Every name says so. */
import type { FileTarget } from '../config/file-form.ts';

export const EMULATED_MODEL = 'gpt-5.5-emulated';
export const EMULATED_CLOUDS: readonly string[] = ['azure', 'aws', 'openai-direct'];

interface EmulatedPlace {
  readonly cloud: string;
  readonly region: string;
  readonly accelerator: string;
  readonly prices: { readonly input: number; readonly cached_input: number; readonly output: number };
}

/** Prices are invented: near enough to each other that contracts and weights decide, not they alone. */
const PLACES: { readonly [name: string]: EmulatedPlace } = {
  azure: {
    cloud: 'azure',
    region: 'eastus2',
    accelerator: 'gpu',
    prices: { input: 1.25, cached_input: 0.125, output: 10 },
  },
  aws: {
    cloud: 'aws',
    region: 'us-east-1',
    accelerator: 'trainium',
    prices: { input: 1.1, cached_input: 0.11, output: 8.8 },
  },
  'openai-direct': {
    cloud: 'openai',
    region: 'openai-us',
    accelerator: 'gpu',
    prices: { input: 1.3, cached_input: 0.13, output: 10.4 },
  },
};

/** @param clouds base URL by name, as the emulator announces them */
export function emulatedTargets(clouds: { readonly [name: string]: string }): readonly FileTarget[] {
  return Object.entries(PLACES).flatMap(([name, place]): FileTarget[] => {
    const url = clouds[name];
    if (url === undefined) return [];
    return [
      { id: `${name}-emulated`, vendor: 'openai', model: EMULATED_MODEL, jurisdiction: 'us', base_url: url, ...place },
    ];
  });
}
