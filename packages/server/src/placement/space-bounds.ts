/** How large a fact space may be, and what is said beyond. */

/** Boxes of request classes that come out alike: one of each is looked at. */
export const MAX_CLASSES = 200_000;
/** Places that are told apart. */
export const MAX_PLACES = 512;
/** Labels that clauses and places name: every set of them is a value of its own. */
export const MAX_LABELS = 6;

/** The clauses tell more apart than can be enumerated. */
export class SpaceTooWide extends Error {
  override readonly name = 'SpaceTooWide';
  readonly code = 'fact_space_too_wide';
}

/** A dimension or a value is wanted that the space does not have. */
export class NoSuchValue extends Error {
  override readonly name = 'NoSuchValue';
  readonly code = 'fact_unknown';
}
