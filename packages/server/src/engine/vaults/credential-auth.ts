/** A credential in two halves: what is shown of it, and what is sealed. Pure. */
import {
  type CredentialAuth,
  type CredentialAuthInput,
  type CredentialAuthRotation,
  type McpOauthAuth,
  perdureError,
} from '@perdure/protocol';

export type CredentialSecret =
  | {
      readonly type: 'mcp_oauth';
      readonly accessToken: string;
      readonly refreshToken: string | null;
      readonly clientSecret: string | null;
    }
  | { readonly type: 'static_bearer'; readonly token: string }
  | { readonly type: 'environment_variable'; readonly value: string };

export interface SplitAuth {
  readonly shown: CredentialAuth;
  readonly secret: CredentialSecret;
}

export function splitAuth(given: CredentialAuthInput): SplitAuth {
  switch (given.type) {
    case 'static_bearer': {
      const { type, mcp_server_url, token } = given;
      return { shown: { type, mcp_server_url }, secret: { type, token } };
    }
    case 'environment_variable': {
      const { type, secret_name, secret_value, networking } = given;
      return { shown: { type, secret_name, networking }, secret: { type, value: secret_value } };
    }
    case 'mcp_oauth':
      return splitOauth(given);
  }
}

function splitOauth(given: Extract<CredentialAuthInput, { readonly type: 'mcp_oauth' }>): SplitAuth {
  const { type, mcp_server_url, access_token: accessToken, expires_at = null } = given;
  const refresh = given.refresh ?? null;
  const shown: McpOauthAuth = {
    type,
    mcp_server_url,
    expires_at,
    refresh:
      refresh === null
        ? null
        : {
            client_id: refresh.client_id,
            resource: refresh.resource ?? null,
            scope: refresh.scope ?? null,
            token_endpoint: refresh.token_endpoint,
            token_endpoint_auth: { type: refresh.token_endpoint_auth.type },
          },
  };
  const by = refresh?.token_endpoint_auth ?? { type: 'none' as const };
  const clientSecret = by.type === 'none' ? null : by.client_secret;
  return { shown, secret: { type, accessToken, refreshToken: refresh?.refresh_token ?? null, clientSecret } };
}

/** @throws invalid_request for another kind than the credential is of, or for what it does not have */
export function rotateAuth({ shown, secret }: SplitAuth, given: CredentialAuthRotation): SplitAuth {
  if (given.type === 'static_bearer' && shown.type === given.type)
    return { shown, secret: { type: given.type, token: given.token } };
  if (given.type === 'environment_variable' && shown.type === given.type)
    return { shown, secret: { type: given.type, value: given.secret_value } };
  if (given.type === 'mcp_oauth' && shown.type === given.type && secret.type === given.type)
    return rotateOauth(shown, secret, given);
  throw wrong('auth.type', `The credential is of the type ${shown.type}, which does not change: make another one.`);
}

function rotateOauth(
  shown: McpOauthAuth,
  secret: Extract<CredentialSecret, { readonly type: 'mcp_oauth' }>,
  { access_token: access, expires_at: expires, refresh: given }: Extract<CredentialAuthRotation, { type: 'mcp_oauth' }>,
): SplitAuth {
  const isNew = access !== undefined && access !== null;
  // A new token whose end is not told has none that is known.
  const expires_at = expires === undefined ? (isNew ? null : shown.expires_at) : expires;
  const { refresh } = shown;
  const tokens = { ...secret, accessToken: access ?? secret.accessToken };
  if (given === undefined || given === null) return { shown: { ...shown, expires_at }, secret: tokens };
  if (refresh === null) throw wrong('auth.refresh', 'The credential has no refresh configuration: make another one.');
  const by = given.token_endpoint_auth ?? null;
  if (by !== null && by.type !== refresh.token_endpoint_auth.type) {
    const kept = refresh.token_endpoint_auth.type;
    throw wrong('auth.refresh.token_endpoint_auth.type', `The client authenticates by ${kept}, which does not change.`);
  }
  const scope = given.scope === undefined ? refresh.scope : given.scope;
  return {
    shown: { ...shown, expires_at, refresh: { ...refresh, scope } },
    secret: {
      ...tokens,
      refreshToken: given.refresh_token ?? secret.refreshToken,
      clientSecret: by?.client_secret ?? secret.clientSecret,
    },
  };
}

function wrong(param: string, message: string): Error {
  return perdureError('invalid_request', message, { param });
}
