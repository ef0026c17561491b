/** The read-only page at `/`. It holds no data: it asks `/perdure/v1/status` with the key that its reader types in, if one is needed. */
export const STATUS_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const STATUS_PAGE = '<!doctype html><title>Perdure</title>';
