/** JSON as it lies in a log. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A field that is a text by the wire's schema; empty if it is missing. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
