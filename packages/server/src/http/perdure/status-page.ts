/**
 * The read-only page at `/`. It holds no data: it asks `/perdure/v1/status` with the key that its reader types in, if one is needed.
 * Its policy names the digests of its one style and its one script: nothing else runs on it, whatever a server's data say.
 */
import { createHash } from 'node:crypto';
import { PAGE_BODY } from './page/body.ts';
import { PAGE_SCRIPT } from './page/script.ts';
import { PAGE_STYLE } from './page/style.ts';

const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export const STATUS_PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src ${digest(PAGE_STYLE)}`,
  `script-src ${digest(PAGE_SCRIPT)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

// An icon of its own, so that no browser asks for /favicon.ico.
const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='%230b6e69'/><path d='M5 12V4h4a2.5 2.5 0 0 1 0 5H5' fill='none' stroke='white' stroke-width='1.6'/></svg>";

export const STATUS_PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Perdure</title>
<link rel="icon" href="${ICON}">
<style>${PAGE_STYLE}</style>
</head>
<body>
${PAGE_BODY}
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
