/** `/v1/models`: the public names that some target serves. */
export type ModelResource = {
  readonly id: string;
  readonly object: 'model';
  /** Seconds since 1970; 0 where it is not known. */
  readonly created: number;
  /** The vendor. */
  readonly owned_by: string;
};

export type ModelList = { readonly object: 'list'; readonly data: readonly ModelResource[] };
