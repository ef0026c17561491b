/** Each attack on a credential twice: held, and through without the defence that it names. In bubblewrap, against hosts on this machine. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EDGE_DEFENCES } from '../network/edge-defences.ts';
import { closeAll, noBubblewrap } from '../workspace.test-support.ts';
import {
  API,
  at,
  BEARER,
  bytesIn,
  CURL,
  EDGE_ATTACKS,
  edgeScene,
  type EdgeScene,
  OTHER,
  PLACEHOLDER,
  PRIVATE,
  UNTRUSTED,
} from './edge.test-support.ts';

const missing = await noBubblewrap();
let scene: EdgeScene;
beforeAll(async () => {
  scene = await edgeScene();
});
beforeEach(() => void scene.asked.splice(0));
afterAll(async () => {
  await scene.close();
  await closeAll();
});

/** As a program of bare sockets would speak: through the proxy, in TLS. */
const raw = (text: string, server = API): string =>
  `printf '${text}' | timeout 10 openssl s_client -quiet -proxy 127.0.0.1:3128 -connect ${API}:8443 -servername ${server} -verify_return_error 2>/dev/null`;
const CRLF = '\\r\\n';

const NAME = `credentials at the edge${missing === null ? '' : ` (left out: ${missing})`}`;
describe.skipIf(missing !== null)(NAME, { timeout: 90_000 }, () => {
  for (const one of EDGE_ATTACKS) {
    it(`L9 holds: ${one.name}`, async () => {
      const result = await scene.run(one.command(scene));
      expect(one.through(scene, result)).toBe(false);
      expect(result.output).not.toContain('curl:');
      if (one.heldBy[0] !== 'same-host') expect(scene.asked).not.toEqual([]);
    });
    it(`gets through without ${one.heldBy.join(' and ')}: ${one.name}`, async () => {
      const result = await scene.run(one.command(scene), { taken: new Set(one.heldBy) });
      expect(one.through(scene, result)).toBe(true);
    });
  }

  it('attacks every defence', () => {
    const attacked = EDGE_ATTACKS.flatMap(({ heldBy }) => heldBy);
    expect(Object.keys(EDGE_DEFENCES).filter(name => !attacked.some(one => one === name))).toEqual([]);
  });

  it('sends the value where it belongs, by any program that knows of proxies, and says the placeholder back', async () => {
    const fetched = `fetch('${at(API, '/echo')}', { headers: { authorization: 'Bearer ' + process.env.TOKEN } }).then(one => one.text()).then(console.log)`;
    const result = await scene.run(
      `${CURL} ${BEARER} -w '%{http_version}\\n' ${at(API, '/echo')}; /run/perdure/node -e "${fetched}"; ${CURL} -u "git:$TOKEN" ${at(API)}`,
    );
    const [first, second, third] = scene.asked;
    expect(bytesIn(first?.headers ?? {})).toContain(`Bearer ${scene.secret}`);
    expect(bytesIn(second?.headers ?? {})).toContain(`Bearer ${scene.secret}`);
    const basic = third?.headers.authorization?.split(' ')[1] ?? '';
    expect(Buffer.from(basic, 'base64').toString('utf8')).toBe(`git:${scene.secret}`);
    expect(result.output.split(`you sent Bearer ${PLACEHOLDER}`)).toHaveLength(3);
    expect(result.output).toContain('\n1.1\n');
  });

  it.each(['base64', 'base64url', 'hex'])('says it back as the placeholder when the host encodes it: %s', async as => {
    const command = `${CURL} -H 'x-as: ${as}' ${BEARER} ${at(API, '/encoded')}`;
    expect((await scene.run(command)).output).toContain(PLACEHOLDER);
    const encoded = Buffer.from(`a Bearer ${scene.secret} b`).toString(as as BufferEncoding);
    expect((await scene.run(command, { taken: new Set(['scrubbed-answers']) })).output).toBe(encoded);
  });

  it('leaves a redirect to the program, and the value out of it', async () => {
    const result = await scene.run(`${CURL} -k -L --location-trusted ${BEARER} ${at(API, '/elsewhere')}`);
    expect(result.output).toBe('ok\n');
    const [, taken] = scene.asked;
    expect(taken).toMatchObject({ server: OTHER, headers: { authorization: `Bearer ${PLACEHOLDER}` } });
    expect(taken?.url).toContain(PLACEHOLDER);
  });

  it('hands on bodies as they are, and answers of any length', async () => {
    await scene.run(
      `echo "k=$TOKEN" | ${CURL} ${BEARER} -T - -X POST ${at(API)}; ${CURL} ${BEARER} -d "k=$TOKEN" ${at(API)}`,
    );
    expect(scene.asked.map(({ body }) => body)).toEqual([`k=${PLACEHOLDER}\n`, `k=${PLACEHOLDER}`]);
  });

  it('leaves tunnels to other hosts alone', async () => {
    const issuer = (host: string): string =>
      `openssl s_client -proxy 127.0.0.1:3128 -connect ${host}:8443 -servername ${host} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint`;
    const result = await scene.run(`${issuer(OTHER)}; ${issuer(OTHER)}; ${issuer(API)}`);
    const [one, again, ended] = result.output.trim().split('\n');
    expect(one).toMatch(/Fingerprint=/);
    expect(again).toBe(one);
    expect(ended).toMatch(/Fingerprint=/);
    // Curl believes the proxy's authority; the host's own it has never heard of.
    expect((await scene.run(`${CURL} ${at(OTHER)}`)).output).toContain('SSL certificate problem');
  });

  it('believes no host whose certificate it cannot verify', async () => {
    const result = await scene.run(`${CURL} -k ${BEARER} ${at(UNTRUSTED)}`);
    expect(result.output).toBe('The host could not be reached.\n');
    expect(scene.asked).toEqual([]);
  });

  it('asks no address that may not be asked, though a credential is for the name', async () => {
    const result = await scene.run(`${CURL} ${BEARER} ${at(PRIVATE)}`);
    expect(result).toMatchObject({ output: 'The address may not be asked.\n', refusedHosts: [PRIVATE] });
  });

  it('refuses requests that can be read in two ways, or are for another host', async () => {
    const head = `Host: ${API}:8443${CRLF}Authorization: Bearer ${PLACEHOLDER}${CRLF}`;
    const good = await scene.run(raw(`GET / HTTP/1.1${CRLF}${head}Connection: close${CRLF}${CRLF}`));
    expect(good.output).toMatch(/^HTTP\/1.1 200 /);
    for (const [text, status] of [
      [
        `POST / HTTP/1.1${CRLF}${head}Content-Length: 5${CRLF}Transfer-Encoding: chunked${CRLF}${CRLF}0${CRLF}${CRLF}`,
        400,
      ],
      [`POST / HTTP/1.1${CRLF}${head}Content-Length: 5${CRLF}Content-Length: 6${CRLF}${CRLF}12345`, 400],
      [`POST / HTTP/1.1${CRLF}${head}Transfer-Encoding : chunked${CRLF}${CRLF}0${CRLF}${CRLF}`, 400],
      [`GET / HTTP/1.1${CRLF}${head}Host: ${OTHER}${CRLF}${CRLF}`, 421],
      [`GET / HTTP/1.1${CRLF}Host: ${API}${CRLF}${CRLF}`, 421],
      [`GET / HTTP/1.1${CRLF}Host: x@${API}:8443${CRLF}${CRLF}`, 421],
      [`GET / HTTP/1.1${CRLF}${CRLF}`, 400],
      [`GET ${at(OTHER)} HTTP/1.1${CRLF}${head}${CRLF}`, 400],
    ] as const)
      expect((await scene.run(raw(text))).output, text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(scene.asked).toHaveLength(1);
  });

  it('ends no TLS in another name', async () => {
    expect((await scene.run(raw(`GET / HTTP/1.1${CRLF}Host: ${API}:8443${CRLF}${CRLF}`, OTHER))).output).toBe('');
    expect(scene.asked).toEqual([]);
  });

  it('holds back what it cannot look through, and sends no value that no header can hold', async () => {
    expect((await scene.run(`${CURL} ${BEARER} ${at(API, '/odd')}`)).output).toContain('cannot be looked through');
    const credentials = {
      variables: async () => ({ TOKEN: PLACEHOLDER }),
      values: async () => new Map([[PLACEHOLDER, 'bell\u0007 in it']]),
    };
    scene.asked.splice(0);
    expect((await scene.run(`${CURL} ${BEARER} ${at(API)}`, { credentials })).output).toContain('cannot be sent');
    expect(scene.asked).toEqual([]);
  });

  it('takes a new value at once, under the same placeholder; without any it sends the placeholder', async () => {
    const values = [['first-value'], ['first-value'], ['second-value'], ['second-value'], []].map(
      all => new Map(all.map(value => [PLACEHOLDER, value])),
    );
    const credentials = {
      variables: async () => ({ TOKEN: PLACEHOLDER }),
      values: async (host: string) => (host === API ? (values.shift() ?? new Map<string, string>()) : new Map()),
    };
    await scene.run(`for i in 1 2; do ${CURL} ${BEARER} ${at(API)}; done; ${CURL} -k ${BEARER} ${at(API)}`, {
      credentials,
    });
    expect(scene.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first-value',
      'Bearer second-value',
      `Bearer ${PLACEHOLDER}`,
    ]);
  });

  it('looks through what comes over plain HTTP from such a host, and leaves plain hosts of others alone', async () => {
    const plain = `http://${API}:${scene.plain}`;
    const result = await scene.run(
      `${CURL} ${BEARER} ${at(API, '/keep')}; ${CURL} -r 2-5 -H 'accept-encoding: br' ${plain}/kept`,
    );
    expect(result.output).toContain(`Bearer ${PLACEHOLDER}`);
    expect(scene.asked[1]?.headers).not.toHaveProperty('range');
    scene.asked.splice(0);
    await scene.run(`${CURL} -r 2-5 -H 'accept-encoding: br' http://${OTHER}:${scene.plain}/`);
    expect(scene.asked[0]?.headers).toMatchObject({ range: 'bytes=2-5', 'accept-encoding': 'br' });
  });

  it('sends nothing where credentials cannot be looked up', async () => {
    let asked = 0;
    const failing = (from: number) => ({
      variables: async () => ({ TOKEN: PLACEHOLDER }),
      values: async () => {
        if (++asked >= from) throw new Error('the store is away');
        return new Map([[PLACEHOLDER, scene.secret]]);
      },
    });
    for (const from of [1, 2]) {
      asked = 0;
      const result = await scene.run(`${CURL} ${BEARER} ${at(API)}`, { credentials: failing(from) });
      expect(result.output).toContain('502'.repeat(from === 1 ? 1 : 0));
    }
    expect(scene.asked).toEqual([]);
  });

  describe('a search of the sandbox', () => {
    const SEARCH = `${CURL} ${BEARER} ${at(API)}; env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; cat /run/perdure/net/*.pem | grep -v '^[A-Za-z0-9+/=]*$' | sort -u; grep -rsl '[P]RIVATE KEY' /run/perdure/net /workspace /tmp | sed 's/^/key in /'`;
    it('L9: finds the placeholder, no value and no key', async () => {
      const { output } = await scene.run(SEARCH);
      expect(output).toContain(`TOKEN=${PLACEHOLDER}`);
      expect(output).toContain('SSL_CERT_FILE=/run/perdure/net/certificates.pem');
      expect(output).toContain('-----BEGIN CERTIFICATE-----');
      expect(output).not.toContain(scene.secret);
      expect(output).not.toMatch(/^key in/m);
    });
    it('finds a value that was put into the variable', async () => {
      const credentials = {
        variables: async () => ({ TOKEN: scene.secret }),
        values: async () => new Map([[PLACEHOLDER, scene.secret]]),
      };
      expect((await scene.run(SEARCH, { credentials })).output).toContain(`TOKEN=${scene.secret}`);
    });
  });
});

it('L9: in just-bash, which has no network, the variable holds the placeholder too', async () => {
  const { output } = await scene.run('echo "$TOKEN"', { isolation: 'none' });
  expect(output).toBe(`${PLACEHOLDER}\n`);
});
