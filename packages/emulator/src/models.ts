import { notFound } from './failure.ts';

/** The models that are listed. Any other name is answered too, but for `unknown-model`. */
const LISTED = [
  'gpt-5.5-emulated',
  'gpt-5.5-mini-emulated',
  'gpt-oss-120b-emulated',
  'claude-opus-4.6-emulated',
] as const;
const LISTED_AT = 1_767_225_600;

const listing = (id: string): object => ({ id, object: 'model', created: LISTED_AT, owned_by: 'perdure-emulator' });

/** The name that an answer carries: it always says `emulated`. */
export const answeredBy = (model: string): string => (model.endsWith('-emulated') ? model : `${model}-emulated`);

export function checkModel(model: string): void {
  if (model !== 'unknown-model') return;
  throw notFound(`The model '${model}' does not exist or you do not have access to it.`, 'model', 'model_not_found');
}

export const modelList = (): string => JSON.stringify({ object: 'list', data: LISTED.map(listing) });

export function modelByName(name: string): string {
  checkModel(name);
  return JSON.stringify(listing(answeredBy(name)));
}
