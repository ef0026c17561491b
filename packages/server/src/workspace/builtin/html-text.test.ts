import { expect, it } from 'vitest';
import { htmlText } from './html-text.ts';

it('leaves the text of a page', () => {
  const page = `<!doctype html><html><head><title>A &amp; B</title><style>p { color: red }</style></head>
<body><!-- <p>hidden</p> --><script>if (a < b) alert("</p>")</script><h1>One</h1><p>two  <b>three</b>&#33;</p><p>4 < 5</p></body></html>`;
  expect(htmlText(page)).toBe('A & B\n\nOne\n\ntwo three!\n\n4 < 5');
});

it('ends on pages that are cut or made to hurt', () => {
  expect(htmlText('a<script>b')).toBe('a');
  expect(htmlText('a<!-- b')).toBe('a');
  expect(htmlText('a<p')).toBe('a');
  expect(htmlText('a < b')).toBe('a < b');
  expect(htmlText('&#0;&#x110000;&unknown;')).toBe('&#0;&#x110000;&unknown;');
  expect(htmlText(`<script>${'</script'.repeat(200_000)}`)).toBe('');
});
