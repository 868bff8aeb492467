import { redact } from "../errors/redact";
import { FIELD_PARAMETERS, PARAMETERS, SECRET_PARAMETERS } from "./parameters";

const MASK = "****";

/**
 * The URL with `****` in the place of passwords, for logs and errors. Total: takes any text, also one that no parser accepts, and then hides rather too
 * much: from the first colon after the scheme to the last `@`, what stands where a port should and is none, and from the value of a secret
 * parameter to the next parameter with a known name.
 */
export function redactUrl(url: string): string {
  const text = String(url);
  const scheme = /^\s*(?:jdbc:)?postgres(?:ql)?(?:\+\w+)?:\/\//i.exec(text)?.[0] ?? "";
  return redact(scheme + maskQuery(maskCredentials(text.slice(scheme.length))));
}

function maskCredentials(text: string): string {
  const at = text.lastIndexOf("@");
  const colon = text.indexOf(":");
  if (colon !== -1 && at > colon) return `${text.slice(0, colon)}:${MASK}${text.slice(at)}`;
  // No credentials: what follows a host is a port, or `user:password` of somebody who forgot the rest.
  const start = at + 1;
  return text.slice(0, start) + text.slice(start).replace(/^((?:\[[^\]]*\]|[^:/?[\]])*):(?!\d*(?:[/?,]|$)).*$/s, `$1:${MASK}`);
}

function maskQuery(text: string): string {
  const question = text.indexOf("?");
  if (question === -1) return text;
  let hidden = false;
  const pieces: string[] = [];
  for (const piece of text.slice(question + 1).split("&")) {
    const equals = piece.indexOf("=");
    const name = equals === -1 ? "" : lenientDecode(piece.slice(0, equals)).replace(/^[?;\s]+|\s+$/g, "");
    if (SECRET_PARAMETERS.has(name.toLowerCase())) {
      hidden = true;
      pieces.push(`${piece.slice(0, equals + 1)}${MASK}`);
    } else if (!hidden || isKnown(name)) {
      // After a secret, a piece without a known name may be the rest of a secret whose & was not encoded.
      hidden = false;
      pieces.push(piece);
    }
  }
  return `${text.slice(0, question + 1)}${pieces.join("&")}`;
}

function isKnown(name: string): boolean {
  return FIELD_PARAMETERS.has(name) || Object.values(PARAMETERS).some((names) => names.has(name));
}

function lenientDecode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_whole, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}
