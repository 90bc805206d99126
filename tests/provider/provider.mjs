// A certified OpenID provider (oidc-provider) on a free port of this machine, for one client that gets
// JWT access tokens by its credentials. Started with the paths of a certificate and its key.
//
// It prints {"url": ...}, then obeys one JSON line of standard input after the other, and prints {}:
//   {"publish": ["k1", "k2"], "sign": "k1"}   its keys, made when they are first named, and the one that signs
//   {"answering": false}                      it breaks off every connection, until told otherwise

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

// Its notices; standard output is for answers.
console.info = console.error;

const [certificate, key] = process.argv.slice(2).map((path) => readFileSync(path));
const keys = new Map();
const HOURS = 3600;
let answering = true;
let handler;

function jwk(kid) {
  if (!keys.has(kid)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    keys.set(kid, { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' });
  }
  return keys.get(kid);
}

function provider(issuer, publish, sign) {
  return new Provider(issuer, {
    clients: [{
      client_id: 'u-42',
      client_secret: 'a secret of this test',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:sekisho',
        getResourceServerInfo: () => ({
          scope: '',
          audience: 'sekisho',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 2 * HOURS,
          jwt: { sign: { alg: 'ES256', kid: sign } },
        }),
      },
    },
    extraTokenClaims: () => ({ tenant: 'acme', roles: ['member'] }),
    jwks: { keys: publish.map(jwk) },
    ttl: { ClientCredentials: 2 * HOURS },
  });
}

const server = createServer({ cert: certificate, key }, (request, response) => {
  if (answering && handler) {
    handler(request, response);
  } else {
    request.socket.destroy();
  }
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  say({ url: issuer });
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const order = JSON.parse(line);
      if (order.publish) {
        handler = provider(issuer, order.publish, order.sign).callback();
      } else {
        answering = order.answering;
      }
      say({});
    })
    // The test has ended, however it did.
    .on('close', () => process.exit());
});
