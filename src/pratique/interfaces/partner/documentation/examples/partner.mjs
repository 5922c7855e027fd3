// A complete client of the Pratique partner API, in one file to copy from. Needs Node.js 18 or newer, no packages.
//
//   export PRATIQUE_URL=https://health.example.edu
//   export PRATIQUE_CLIENT_ID=demo_...  PRATIQUE_KEY=...  PRATIQUE_PACKAGE=...  PRATIQUE_TRACKER='Class of 2030'
//   node partner.mjs                                  # signs one example student in, and reads back
//   node partner.mjs --check-vectors vectors.json     # compares every byte with the published test vectors
//
// The key belongs on your server, in its store of secrets: never in a browser, an app or a repository.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

// --- what stands on the wire -----------------------------------------------------------------------------------

const encode = (content) => Buffer.from(content).toString("base64url"); // without padding
const decode = (text) => Buffer.from(text, "base64url");
const seconds = () => Math.floor(Date.now() / 1000);

/** 32 bytes of HKDF-SHA256 (RFC 5869). */
function derive(encryptionKey, info, salt = Buffer.alloc(0)) {
  return Buffer.from(hkdfSync("sha256", encryptionKey, salt, info, 32));
}

/** The JWT (HS256) that opens a session. */
function assertion(clientId, encryptionKey, now, clientNonce) {
  const header = { alg: "HS256", typ: "JWT", kid: clientId };
  const claims = { iss: clientId, aud: "pratique-partner", iat: now, exp: now + 300, jti: encode(clientNonce) };
  const signed = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`;
  const key = derive(encryptionKey, "pratique partner v1 authenticate");
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** A compact JWE (alg dir, enc A256GCM). Never use an IV twice: 12 fresh random bytes a message. */
function seal(plaintext, key, sessionId, method, now, iv = randomBytes(12)) {
  const header = { alg: "dir", enc: "A256GCM", kid: sessionId, iat: now, method };
  const protectedHeader = encode(JSON.stringify(header));
  const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  cipher.setAAD(Buffer.from(protectedHeader));
  const ciphertext = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return `${protectedHeader}..${encode(iv)}.${encode(ciphertext)}.${encode(cipher.getAuthTag())}`;
}

/** What a JWE holds. Refuses everything that is not exactly what this session and call expect. */
function openSealed(compact, key, sessionId, method) {
  const pieces = compact.split(".");
  if (pieces.length !== 5 || pieces[1] !== "") throw new Error("This is no JWE of the partner API.");
  const [header, , iv, ciphertext, tag] = pieces.map(decode);
  const told = JSON.parse(header.toString("utf8"));
  const right =
    told.alg === "dir" && told.enc === "A256GCM" && told.kid === sessionId && told.method === method &&
    Object.keys(told).length === 5 && Number.isInteger(told.iat) && iv.length === 12 && tag.length === 16;
  if (!right) throw new Error("The JWE is not of this call.");
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(pieces[0]));
  decipher.setAuthTag(tag);
  // final() throws if the message was not sealed with this key.
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
}

// --- the client ------------------------------------------------------------------------------------------------

/** The server refused; `code` is one of the documented table. */
class PartnerError extends Error {
  constructor(status, { code, message, field }) {
    super(`${code}: ${message}${field ? ` (field ${field})` : ""}`);
    Object.assign(this, { status, code, field });
  }
}

/** One client id. It opens a session when it needs one and opens another when that one has ended. */
class Partner {
  constructor(url, clientId, key) {
    this.url = url.replace(/\/+$/, "");
    this.clientId = clientId;
    this.encryptionKey = decode(key);
    if (this.encryptionKey.length !== 32) throw new Error("The key must be 32 bytes: 43 characters of base64url.");
    this.sessionEnds = 0;
  }

  /** Make one call with a fresh nonce and return its answer. */
  async call(method, fields) {
    if (performance.now() >= this.sessionEnds) await this.authenticate();
    try {
      return await this.#call(method, fields);
    } catch (error) {
      if (error.code !== "NOT_AUTHENTICATED") throw error;
      await this.authenticate(); // the session has ended, or the key was rotated: once more
      return await this.#call(method, fields);
    }
  }

  /** Open a session and derive its two keys. */
  async authenticate() {
    const clientNonce = randomBytes(16);
    const told = assertion(this.clientId, this.encryptionKey, seconds(), clientNonce);
    const answer = await this.#post("authenticate", "application/json", JSON.stringify({ assertion: told }));
    if (answer.status !== 200) throw plainError(answer);
    const { sessionId, serverNonce, expiresIn } = JSON.parse(answer.body);
    const salt = Buffer.concat([clientNonce, decode(serverNonce)]);
    this.sessionId = sessionId;
    this.sessionEnds = performance.now() + (expiresIn - 30) * 1000;
    this.requestKey = derive(this.encryptionKey, `pratique partner v1 request ${sessionId}`, salt);
    this.responseKey = derive(this.encryptionKey, `pratique partner v1 response ${sessionId}`, salt);
  }

  async #call(method, fields) {
    const nonce = `${Date.now()}-${randomBytes(8).toString("hex")}`;
    const plaintext = JSON.stringify({ ...fields, nonce });
    const sealed = seal(plaintext, this.requestKey, this.sessionId, method, seconds());
    const answer = await this.#post(method, "application/jose", sealed);
    if (answer.kind !== "application/jose") throw plainError(answer);
    const opened = JSON.parse(openSealed(answer.body, this.responseKey, this.sessionId, method));
    if (answer.status !== 200) throw new PartnerError(answer.status, opened.error);
    return opened;
  }

  async #post(name, kind, body) {
    const answer = await fetch(`${this.url}/partner/v1/${name}`, {
      method: "POST",
      headers: { "Content-Type": kind },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(30_000),
    });
    const told = (answer.headers.get("Content-Type") ?? "").split(";")[0].trim();
    return { status: answer.status, kind: told, body: await answer.text() };
  }
}

/** The error of an answer that is not sealed: there was no session, or a proxy answered. */
function plainError({ status, body }) {
  try {
    return new PartnerError(status, JSON.parse(body).error);
  } catch {
    return new PartnerError(status, { code: `HTTP_${status}`, message: "The answer did not come from the partner API." });
  }
}

// --- two things to do with it ----------------------------------------------------------------------------------

/** Create an example student, sign them in, set their tracker, and read back. */
async function show(env) {
  for (const name of ["PRATIQUE_URL", "PRATIQUE_CLIENT_ID", "PRATIQUE_KEY", "PRATIQUE_PACKAGE"]) {
    if (!env[name]) throw new Error(`Set ${name} in the environment.`);
  }
  const partner = new Partner(env.PRATIQUE_URL, env.PRATIQUE_CLIENT_ID, env.PRATIQUE_KEY);
  const code = env.PRATIQUE_PACKAGE;
  const vendorKey = env.PRATIQUE_VENDOR_KEY ?? "example-javascript-1";

  const created = await partner.call("createUser", {
    username: "amagnus",
    vendorKey,
    firstName: "Albert",
    lastName: "Magnus",
    phone: "919-555-0117",
    email: "albert.magnus@example.edu",
    dateOfBirthString: "03/22/2008",
    registrationCode: code,
  });
  console.log("createUser: username", created.username);

  // From now on these two name the student. Keep the account token beside the student in your system.
  const student = { accountToken: created.accountToken, vendorKey };
  const { secureToken } = await partner.call("secureToken", student);
  if (env.PRATIQUE_TRACKER) {
    await partner.call("setTracker", { ...student, code, trackerName: env.PRATIQUE_TRACKER });
    console.log("setTracker:", env.PRATIQUE_TRACKER);
  }
  const user = await partner.call("getUser", { ...student, code });
  console.log(`getUser: ${user.trackerName}, ${user.numComplete} of ${user.numItems} complete`);
  const { packageDetails } = await partner.call("getPackageCounts", { code });
  console.log("getPackageCounts:", packageDetails.length, "students");
  console.log("Send the student's browser here, once, within minutes:", `${partner.url}/sso/${secureToken}`);
}

/** Recompute every published vector; the first difference ends the program with status 1. */
function check(path) {
  const vectors = JSON.parse(readFileSync(path, "utf8"));
  const { authenticate: phase1, session: phase2 } = vectors;
  const key = decode(vectors.encryption_key_base64url);
  const sessionId = phase2.session_id;
  const salt = Buffer.from(phase2.salt_hex, "hex");
  const requestKey = derive(key, phase2.request_info, salt);
  const responseKey = derive(key, phase2.response_info, salt);
  same("assertion key", derive(key, phase1.info).toString("hex"), phase1.assertion_key_hex);
  const made = assertion(vectors.client_id, key, phase1.now, Buffer.from(phase1.client_nonce_hex, "hex"));
  same("assertion", made, phase1.assertion);
  same("request key", requestKey.toString("hex"), phase2.request_key_hex);
  same("response key", responseKey.toString("hex"), phase2.response_key_hex);
  for (const { method, request, response } of vectors.calls) {
    const iv = Buffer.from(request.iv_hex, "hex");
    same(`${method}, request`, seal(request.plaintext, requestKey, sessionId, method, request.iat, iv), request.jwe);
    same(`${method}, response`, openSealed(response.jwe, responseKey, sessionId, method), response.plaintext);
  }
  for (const { kind, why, token } of vectors.refused) {
    if (kind !== "request") continue;
    let opened = true;
    try {
      openSealed(token, requestKey, sessionId, "secureToken");
    } catch {
      opened = false;
    }
    if (opened) throw new Error(`DIFFERS: opened, though ${why}`);
  }
  console.log("All vectors agree.");
}

function same(name, made, published) {
  if (made !== published) throw new Error(`DIFFERS: ${name}\n  made      ${made}\n  published ${published}`);
}

const [option, path] = process.argv.slice(2);
try {
  if (option === "--check-vectors") check(path);
  else await show(process.env);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
