const MASK = "****";

/** A SCRAM verifier as Postgres stores it, or an MD5 one: enough to impersonate the server or the role, and to guess a weak password offline. */
const VERIFIER = /SCRAM-SHA-256\$[^\s'"]+|\bmd5[0-9a-f]{32}\b/gi;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g;
/** Not `secretmanager/secret:Secret`, the name of a type. `password=…`, `PGPASSWORD=…`, `"password": "…"`, `client_secret=…`, SQL's `PASSWORD '…'` and the `Key (password)=(…)` of an error's detail. */
const KEYED_SECRET =
  /((?<!secretmanager\/)(?:password|passwd|pwd|passphrase|secret|token|signature|api_?key|scram_(?:client|server)_key)["'\\]*\)?(?:\s*[=:]\s*|\s+(?=')))("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.|'')*'|\([^)]*\)|[^\s&,;"'}]+)/gi;
const AUTHORIZATION = /\b(authorization["']?\s*[=:]\s*["']?(?:basic|bearer)\s+|bearer\s+(?=[\w.~+/-]{16,}))[^\s"',;]+/gi;
/** Redis repeats the arguments of a command that it does not know. */
const REDIS_ARGUMENTS = /(with args beginning with: )[^\n]+/g;

/**
 * The same text without secrets: passwords in URLs, `password=…` in any common spelling, verifiers, private keys, bearer tokens, and every string of `secrets`
 * (also as a URL, JSON or SQL spells it). For anything that leaves the process: errors, diagnostics, logs, output of child processes. Takes any text;
 * never throws. A password without a key word before it is found only through `secrets`.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  // Longer ones first: one secret may be the beginning of another.
  const spellings = [...new Set(secrets.flatMap(spellingsOf))].sort((a, b) => b.length - a.length);
  for (const spelling of spellings) clean = clean.replaceAll(spelling, MASK);
  return maskUrls(clean)
    .replace(VERIFIER, MASK)
    .replace(PRIVATE_KEY, MASK)
    .replace(REDIS_ARGUMENTS, (_whole, before: string) => `${before}${MASK}`)
    .replace(AUTHORIZATION, (_whole, before: string) => `${before}${MASK}`)
    .replace(KEYED_SECRET, (_whole, before: string) => `${before}${MASK}`);
}

function spellingsOf(secret: string): string[] {
  if (secret === "" || MASK.includes(secret)) return [];
  const percent = encodeURIComponent(secret.toWellFormed());
  const strict = percent.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return [secret, percent, strict, encodeURI(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1), secret.replaceAll("'", "''"), secret.replace(/[\\']/g, "\\$&")];
}

/** Masks `scheme://user:password@` in running text: up to the last `@` before a space or quote, so that an unescaped `@` or `/` in a password is covered too. */
function maskUrls(text: string): string {
  let clean = "";
  let position = 0;
  for (;;) {
    const marker = text.indexOf("://", position);
    if (marker === -1) return clean + text.slice(position);
    const start = marker + 3;
    const length = text.slice(start).search(/[\s'"`<>]/);
    const end = length === -1 ? text.length : start + length;
    clean += text.slice(position, start) + maskCredentials(text.slice(start, end));
    position = end;
  }
}

function maskCredentials(rest: string): string {
  const colon = rest.indexOf(":");
  const at = rest.lastIndexOf("@");
  if (colon === -1 || at < colon) return rest;
  // `host:443/@scope`: a port and a path, no password.
  if (/^[^:/?#@]*:\d{1,5}\/@/.test(rest) && rest.indexOf("@") === at) return rest;
  return `${rest.slice(0, colon)}:${MASK}${rest.slice(at)}`;
}
