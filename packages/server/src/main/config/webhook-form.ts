/** What a webhook's secret and address must be, wherever they are given. */

/** Bytes of the key that deliveries are signed with: what Standard Webhooks asks for. */
const [KEY_LEAST, KEY_MOST] = [24, 64];
export const WEBHOOK_KEY_WORDS: string = `must be whsec_ and ${KEY_LEAST} to ${KEY_MOST} bytes in base64`;

export function isWebhookKey(secret: string): boolean {
  const [, written = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const bytes = Buffer.from(written, 'base64');
  return bytes.toString('base64') === written && bytes.length >= KEY_LEAST && bytes.length <= KEY_MOST;
}

/** Null if it can be used. @param open whether plain http is allowed */
export function webhookUrlProblem(text: string, open: boolean): string | null {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: deliveries are signed';
  if (url.hash !== '') return 'must not have a fragment (#)';
  if (url.protocol === 'https:' || (open && url.protocol === 'http:')) return null;
  return open ? 'must begin with https:// or http://' : 'must begin with https:// (http:// only with allow_private)';
}
