import { describe, expect, test } from 'vitest';
import { parseChatRequest, parseCreateResponse } from './index.ts';
import { isBase64 } from './inline-data.ts';
import { LIMITS } from './limits.ts';

test.each(['YQ==', 'YWI=', 'YWJj', 'YQ', 'YWI', '+/+/', 'AAAA'])('%s is base64', text => {
  expect(isBase64(text)).toBe(true);
});

test.each(['', 'Y', 'YWJjZ', 'Y===', '====', 'YQ=', 'YWJj=', 'YQ==YQ==', 'Y Q=', 'YQ==\n', '!!!', '-_-_', 'Y=Q='])(
  '%j is none',
  text => {
    expect(isBase64(text)).toBe(false);
  },
);

test('as much as fits is looked at', () => {
  expect(isBase64('A'.repeat(LIMITS.fileDataChars))).toBe(true);
  expect(isBase64(`${'A'.repeat(LIMITS.fileDataChars - 4)}AAA!`)).toBe(false);
});

const create = (part: object): string => {
  const parsed = parseCreateResponse({ model: 'm', input: [{ role: 'user', content: [part] }] });
  return parsed.ok ? 'ok' : `${parsed.error.code} ${parsed.error.param}`;
};
const chat = (part: object): string => {
  const parsed = parseChatRequest({ model: 'm', messages: [{ role: 'user', content: [part] }] });
  return parsed.ok ? 'ok' : `${parsed.error.code} ${parsed.error.param}`;
};

describe('an image', () => {
  test.each(['https://example.test/a.png', 'data:image/png;base64,YQ==', 'DATA:image/svg+xml;charset=utf-8;BASE64,YQ'])(
    'is taken: %s',
    url => {
      expect(create({ type: 'input_image', image_url: url })).toBe('ok');
      expect(chat({ type: 'image_url', image_url: { url } })).toBe('ok');
    },
  );
  test.each([
    'data:text/html;base64,YQ==',
    'data:image/png;base64,!!!',
    'data:image/png;base64,',
    'data:image/png,YQ==',
    'data:image/png;base64',
    'data:,',
    `data:image/png;${'x'.repeat(300)};base64,YQ==`,
  ])('is refused: %s', url => {
    expect(create({ type: 'input_image', image_url: url })).toBe('invalid_request input[0].content[0].image_url');
    expect(chat({ type: 'image_url', image_url: { url } })).toBe(
      'invalid_request messages[0].content[0].image_url.url',
    );
  });
});

describe('a file', () => {
  test.each(['YQ==', 'data:application/pdf;base64,YQ==', 'data:;base64,YQ=='])('is taken: %s', data => {
    expect(create({ type: 'input_file', file_data: data })).toBe('ok');
    expect(chat({ type: 'file', file: { file_data: data } })).toBe('ok');
  });
  test.each(['!!!', 'data:application/pdf;base64,!', 'data:text/plain,abcd', 'data:text/plain;base64,'])(
    'is refused: %s',
    data => {
      expect(create({ type: 'input_file', file_data: data })).toBe('invalid_request input[0].content[0].file_data');
      expect(chat({ type: 'file', file: { file_data: data } })).toBe(
        'invalid_request messages[0].content[0].file.file_data',
      );
    },
  );
});
