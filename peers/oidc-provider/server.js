// oidc-provider with one client that proves itself by private_key_jwt and is given signed JWTs.
// Arguments: issuer, algorithm of the tokens, number of processes, public JWK of the client.
// Prints its port, and ends when its input does.
import cluster from 'node:cluster';
import { generateKeyPairSync } from 'node:crypto';

const [issuer, algorithm, processes, client] = process.argv.slice(2);

if (cluster.isPrimary) {
  const kinds = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }] };
  // Discovery wants an RSA key whatever the tokens are signed with.
  const keys = ['RS256', 'ES256'].map((alg) => ({
    ...generateKeyPairSync(...kinds[alg]).privateKey.export({ format: 'jwk' }),
    alg,
    use: 'sig',
    kid: alg,
  }));
  // A port of 0 is the same one in all of them.
  let listening = 0;
  cluster.on('listening', (_, { port }) => {
    listening += 1;
    if (listening === Number(processes)) console.log(port);
  });
  for (let started = 0; started < Number(processes); started += 1) {
    const worker = cluster.fork();
    // A message that comes before it is listened for is lost.
    worker.once('message', () => worker.send(keys));
  }
  process.stdin.resume().on('end', () => process.exit(0));
} else {
  process.once('message', async (keys) => {
    const { default: Provider } = await import('oidc-provider');
    const provider = new Provider(issuer, {
      clients: [{
        client_id: 'w0',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'RS256',
        jwks: { keys: [JSON.parse(client)] },
      }],
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => 'urn:aws:sts',
          getResourceServerInfo: () => ({
            scope: '',
            audience: 'sts.amazonaws.com',
            accessTokenFormat: 'jwt',
            accessTokenTTL: 3600,
            jwt: { sign: { alg: algorithm } },
          }),
        },
      },
      jwks: { keys },
    });
    provider.listen(0, '127.0.0.1');
  });
  process.send('ready');
  process.on('disconnect', () => process.exit(0));
}
