// An origin behind the gateway, in Node.js: it serves nobody who comes without the gateway's signed word.
//
//   ORIGIN_ID=assistant GATEWAY=https://gateway.example.jp \
//   GATEWAY_KEYS=https://gateway.example.jp/.well-known/sekisho/jwks.json node origin.mjs
//
// ORIGIN_ID is the origin's name in the policy, GATEWAY the policy's [assertion] issuer. Where the gateway has a
// certificate of a private authority, NODE_EXTRA_CA_CERTS names the authority's file.

import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { ORIGIN_ID, GATEWAY, GATEWAY_KEYS, PORT = '0' } = process.env;

// Without a word on them, the library would check neither issuer nor audience.
for (const name of ['ORIGIN_ID', 'GATEWAY', 'GATEWAY_KEYS']) {
  if (!process.env[name]) {
    throw new Error(`${name} is not set`);
  }
}

// Fetched when a request needs it, kept, and fetched again when a key is new.
const keys = createRemoteJWKSet(new URL(GATEWAY_KEYS));

async function principal(request) {
  const assertion = request.headers['sekisho-assertion'];
  if (!assertion) {
    throw new Error('no assertion');
  }
  const { payload } = await jwtVerify(assertion, keys, {
    issuer: GATEWAY,
    audience: ORIGIN_ID,
    algorithms: ['EdDSA'],
    typ: 'sekisho-assertion+jwt',
    requiredClaims: ['exp', 'sub', 'tenant', 'roles'],
    maxTokenAge: 120,
    clockTolerance: 5,
  });
  return payload;
}

const server = createServer(async (request, response) => {
  try {
    const { sub, tenant, roles } = await principal(request);
    // The gateway takes the answer for this tenant's only if it says so.
    response.setHeader('x-tenant-id', tenant);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ sub, tenant, roles }));
  } catch (error) {
    console.error(`refused: ${error.message}`);
    response.writeHead(401).end();
  }
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
