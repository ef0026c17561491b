/** At most `most` bytes of UTF-8, cut between characters, and a note of what is missing beside them. */
export function cutText(given: string, most: number): string {
  const bytes = Buffer.from(given);
  if (bytes.length <= most) return given;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}\n[${bytes.length - end} bytes left out.]`;
}
