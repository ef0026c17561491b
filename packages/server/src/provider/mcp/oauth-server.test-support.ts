/** An authorization server for client credentials, at an origin of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OAuthServer {
  readonly issuer: string;
  /** What each request for a token was authorized with. */
  readonly asked: string[];
  readonly close: () => Promise<void>;
}

export async function startOAuthServer(token: string): Promise<OAuthServer> {
  const asked: string[] = [];
  let issuer = '';
  const http = createServer((req, res) => {
    req.resume();
    const json = (body: object): void =>
      void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (req.url?.startsWith('/.well-known/oauth-authorization-server') === true)
      json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        response_types_supported: ['code'],
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['client_secret_basic'],
      });
    else if (req.url === '/token') {
      asked.push(req.headers.authorization ?? '');
      json({ access_token: token, token_type: 'Bearer', expires_in: 3600 });
    } else res.writeHead(404).end();
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    issuer,
    asked,
    async close() {
      http.closeAllConnections();
      await new Promise(resolve => http.close(resolve));
    },
  };
}
