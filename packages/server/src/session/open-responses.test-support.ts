/** The validators of the protocol package, which keeps them for tests only: by their place, since it does not export them. */
type Validate = (value: unknown) => string[];

const place = new URL('../../../protocol/src/test-support/open-responses.ts', import.meta.url);
const validators = (await import(place.href)) as {
  readonly validateStreamEvent: Validate;
  readonly validateItem: Validate;
  readonly validateResponse: Validate;
};

export const validateItem: Validate = validators.validateItem;
export const validateResponse: Validate = validators.validateResponse;

/** OpenAI, whose clients read our streams, says `response.reasoning_text.*` where Open Responses says `response.reasoning.*`; the shapes agree. */
export function validateShown(json: string): string[] {
  const event = JSON.parse(json) as { readonly type: string };
  return validators.validateStreamEvent({ ...event, type: event.type.replace('.reasoning_text.', '.reasoning.') });
}
