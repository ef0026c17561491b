/**
 * The authority that this process signs certificates with, for the hosts whose TLS it ends. Its key is in this process's memory and nowhere
 * else: it is trusted inside commands of this process alone, and they end with it. Nothing needs to be kept.
 */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type Extension,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface Authority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  /** The system's roots and its own, PEM: what programs inside believe. */
  readonly bundle: string;
  /** For a host, a name or an IPv4 address; made once. */
  certify(host: string): Promise<Certified>;
}

/** PEM both. */
export interface Certified {
  readonly key: string;
  readonly cert: string;
}

const DAY_MS = 86_400_000;
/** Longer than a command can run twice over. */
const VALID_MS = 30 * DAY_MS;
const RENEW_MS = 15 * DAY_MS;
/** Clocks differ. */
const BEFORE_MS = 3_600_000;
/** Hosts whose certificates are kept. */
const KEPT = 1_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Where systems have their roots. */
const ROOTS = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

let current: { readonly made: Promise<Authority>; readonly at: number } | null = null;

/** That of this process: one that grows old is followed by another, for commands that begin then. */
export function processAuthority(now: number = Date.now()): Promise<Authority> {
  if (current === null || now - current.at >= RENEW_MS) {
    const made = makeAuthority(now);
    current = { made, at: now };
    made.catch(() => (current = null));
  }
  return current.made;
}

export async function makeAuthority(now: number): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const notBefore = new Date(now - BEFORE_MS);
  const notAfter = new Date(now + VALID_MS);
  const own = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=Perdure workspace proxy',
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  // Another server's authority has the same name: by this they are told apart.
  const by = await AuthorityKeyIdentifierExtension.create(keys.publicKey);
  const leafKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const key = pem(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey), 'PRIVATE KEY');
  const known = new Map<string, Promise<Certified>>();
  const certificate = own.toString('pem');

  async function certified(host: string): Promise<Certified> {
    const leaf = await X509CertificateGenerator.create({
      serialNumber: serial(),
      // A common name has 64 characters at most: the host is in the alternative name.
      subject: 'CN=Perdure workspace proxy: host',
      issuer: own.subject,
      notBefore,
      notAfter,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [...leafExtensions(host), by],
    });
    return { key, cert: leaf.toString('pem') };
  }

  return {
    certificate,
    bundle: `${await systemRoots()}\n${certificate}\n`,
    certify(host) {
      const found = known.get(host);
      if (found !== undefined) return found;
      const [oldest] = known.keys();
      if (known.size >= KEPT && oldest !== undefined) known.delete(oldest);
      const made = certified(host);
      known.set(host, made);
      made.catch(() => known.delete(host));
      return made;
    },
  };
}

function leafExtensions(host: string): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }]),
  ];
}

/** Positive, and no two alike. */
function serial(): string {
  const bytes = randomBytes(16);
  return `4${bytes.toString('hex').slice(1)}`;
}

function pem(bytes: ArrayBuffer, label: string): string {
  const lines = Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** Node's own where the system has none. */
async function systemRoots(): Promise<string> {
  for (const path of ROOTS) {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text.trimEnd();
  }
  return rootCertificates.join('\n');
}
