// Verifies a token as any web service would: discovery, JWKS, signature, issuer, audience, expiry.
// Arguments: issuer, audience. The token comes on standard input. Prints the claims as JSON, or the
// error's code with exit code 1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Node 18, which Debian 12 has, keeps WebCrypto out of the globals.
globalThis.crypto ??= (await import("node:crypto")).webcrypto;
const require = createRequire(new URL("../node/", import.meta.url));
const { createRemoteJWKSet, jwtVerify } = await import(require.resolve("jose"));

const [issuer, audience] = process.argv.slice(2);
const token = readFileSync(0, "utf8").trim();
const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
try {
  const { payload, protectedHeader } = await jwtVerify(
    token,
    createRemoteJWKSet(new URL(discovery.jwks_uri)),
    { issuer: discovery.issuer, audience, requiredClaims: ["sub", "iat", "exp", "nbf", "jti"] },
  );
  console.log(JSON.stringify({ payload, protectedHeader }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code ?? String(error) }));
  process.exitCode = 1;
}
