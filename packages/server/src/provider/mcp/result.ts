/** What a server says of a call, as an outcome: bounded, scrubbed, in kinds of content that models take. Pure. */
import type { ContentBlock, CallToolResult } from '@modelcontextprotocol/client';
import { parseJsonText } from '@perdure/protocol';
import type { ToolContent, ToolOutcome } from '../../engine/tools/ports.ts';
import { isFields } from '../json.ts';
import { cutText } from '../text.ts';
import type { Scrub } from './scrub.ts';

const IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
/** UTF-8 bytes of a message about a failure. */
export const MESSAGE_BYTES: number = 16 * 1024;

export interface ResultBounds {
  readonly resultBytes: number;
}

export function outcomeOf(result: CallToolResult, scrub: Scrub, { resultBytes }: ResultBounds): ToolOutcome {
  const shown = [...(result.content ?? []).flatMap(block => shownOf(block)), ...structuredOf(result)].map(part =>
    part.type === 'input_text' ? { ...part, text: scrub.text(part.text) } : part,
  );
  if (result.isError === true)
    return { ok: false, code: 'mcp_tool_error', message: cutText(textsOf(shown) || 'The tool failed.', MESSAGE_BYTES) };
  const kept = bounded(shown, resultBytes);
  const onlyText = kept.every(part => part.type === 'input_text');
  return { ok: true, output: onlyText ? textsOf(kept) : kept };
}

function text(written: string): readonly ToolContent[] {
  return [{ type: 'input_text', text: written }];
}

function shownOf(block: ContentBlock): readonly ToolContent[] {
  switch (block.type) {
    case 'text':
      return text(block.text);
    case 'image':
      return imageOf(block.mimeType, block.data) ?? text(`[An image of the type ${block.mimeType}: not shown.]`);
    case 'audio':
      return text(`[Audio of the type ${block.mimeType}, ${bytesOf(block.data)} bytes: not shown.]`);
    case 'resource_link': {
      const about = [block.title ?? block.name, block.mimeType, block.description].filter(word => word !== undefined);
      return text(`[A resource: ${block.uri} (${about.join('; ')})]`);
    }
    case 'resource': {
      const { resource } = block;
      if ('text' in resource && typeof resource.text === 'string') return text(`[${resource.uri}]\n${resource.text}`);
      const data = 'blob' in resource ? resource.blob : '';
      const type = resource.mimeType ?? 'application/octet-stream';
      return imageOf(type, data) ?? text(`[${resource.uri}: ${bytesOf(data)} bytes of the type ${type}: not shown.]`);
    }
    default:
      return text('[A kind of content that is not known here: not shown.]');
  }
}

function imageOf(type: string, data: string): readonly ToolContent[] | null {
  if (!IMAGES.has(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return null;
  return [{ type: 'input_image', image_url: `data:${type};base64,${data}` }];
}

/** As JSON text, unless the server says the same in words, as it should for those who know no structure. */
function structuredOf({ structuredContent, content }: CallToolResult): readonly ToolContent[] {
  if (structuredContent === undefined) return [];
  const written = JSON.stringify(structuredContent);
  const texts = (content ?? []).flatMap(block => (block.type === 'text' ? [block.text] : []));
  const said = texts.some(one => sameJson(one, written)) || isWrapped(structuredContent, texts.join('\n'));
  return said ? [] : text(written);
}

/** Many servers give a text a name, as its only member, to fit a schema. */
function isWrapped(structured: unknown, said: string): boolean {
  const [only, ...others] = isFields(structured) ? Object.values(structured) : [];
  return only === said && others.length === 0;
}

function sameJson(given: string, written: string): boolean {
  try {
    return JSON.stringify(parseJsonText(given)) === written;
  } catch {
    return false;
  }
}

function textsOf(parts: readonly ToolContent[]): string {
  return parts.flatMap(part => (part.type === 'input_text' ? [part.text] : [])).join('\n');
}

/** In their order, as long as there is room: a text is cut, an image is left out, and both are said. */
function bounded(parts: readonly ToolContent[], most: number): readonly ToolContent[] {
  let left = most;
  return parts.map(part => {
    const size = Buffer.byteLength(part.type === 'input_text' ? part.text : part.image_url);
    if (size <= left) {
      left -= size;
      return part;
    }
    if (part.type === 'input_image')
      return {
        type: 'input_text',
        text: `[An image of ${size} bytes: left out, the result has ${most} bytes at most.]`,
      };
    const cut = cutText(part.text, left);
    left = 0;
    return { type: 'input_text', text: cut };
  });
}

function bytesOf(base64: string): number {
  return Math.floor((base64.replace(/=+$/, '').length * 3) / 4);
}
