/** The parts of items that speak of bytes that are not in them: files by id, and addresses. */
import type { InputPart } from '@perdure/protocol';

/** What of a part says where its bytes are. `data:` URLs hold theirs themselves. */
export type Reference =
  | { readonly type: 'file'; readonly id: string; readonly as: 'image' | 'file' }
  | { readonly type: 'address'; readonly url: string; readonly as: 'image' | 'file' };

export interface ReferringPart {
  readonly part: InputPart;
  readonly reference: Reference;
  /** The field of the item that holds the part, its place there, and the field of the part. */
  readonly list: (typeof PART_LISTS)[number];
  readonly index: number;
  readonly field: 'file_id' | 'image_url' | 'file_url';
}

const PART_LISTS = ['content', 'output'] as const;

/** An item, logged or new: what is no list of parts is none of ours. */
type AnyItem = { readonly [field: string]: unknown };

function isPart(value: unknown): value is InputPart {
  return typeof value === 'object' && value !== null && 'type' in value;
}

export function* referringParts(item: AnyItem): Generator<ReferringPart> {
  for (const list of PART_LISTS) {
    const parts = item[list];
    if (!Array.isArray(parts)) continue;
    for (const [index, part] of (parts as readonly unknown[]).entries()) {
      if (!isPart(part)) continue;
      const found = referenceOf(part);
      if (found !== null) yield { part, list, index, ...found };
    }
  }
}

export function refers(items: readonly object[]): boolean {
  for (const item of items) for (const _ of referringParts(item as AnyItem)) return true;
  return false;
}

/**
 * The field of a head that says how many files the items bring: every `input_file`, whether it names a file, has it with it or says its address,
 * and every image that is a file. An image that is in the part itself, or at an address, is content like text. Nothing for none.
 */
export function filesIn(items: readonly object[]): { readonly files?: number } {
  let files = 0;
  for (const item of items) {
    for (const list of PART_LISTS) {
      const parts = (item as AnyItem)[list];
      if (Array.isArray(parts)) files += (parts as readonly unknown[]).filter(isFile).length;
    }
  }
  return files === 0 ? {} : { files };
}

function isFile(part: unknown): boolean {
  if (!isPart(part)) return false;
  return part.type === 'input_file' || (part.type === 'input_image' && typeof part.file_id === 'string');
}

function referenceOf(part: InputPart): Pick<ReferringPart, 'reference' | 'field'> | null {
  if (part.type !== 'input_image' && part.type !== 'input_file') return null;
  const as = part.type === 'input_image' ? 'image' : 'file';
  if (part.file_id !== undefined) return { field: 'file_id', reference: { type: 'file', id: part.file_id, as } };
  const [url, field] =
    part.type === 'input_image' ? ([part.image_url, 'image_url'] as const) : ([part.file_url, 'file_url'] as const);
  if (url === null || url === undefined || /^data:/i.test(url)) return null;
  return { field, reference: { type: 'address', url, as } };
}

/** The item with some of its parts in other words. */
export function withParts<Item extends object>(item: Item, replaced: ReadonlyMap<unknown, InputPart>): Item {
  const changed = { ...item } as { [field: string]: unknown };
  for (const list of PART_LISTS) {
    const parts = changed[list];
    if (Array.isArray(parts)) changed[list] = parts.map((part: unknown) => replaced.get(part) ?? part);
  }
  return changed as Item;
}
