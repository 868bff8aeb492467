import { DEFAULT_PORT, DatabaseUrlError } from "./database-url";
import type { DatabaseHost } from "./database-url";
import { ALLOWED_VALUES, INTEGER_PARAMETERS, TLS_VERSIONS, sslModeOf } from "./parameters";
import { ENCODE_HINT } from "./percent-encoding";

/** C's `int`, as libpq's `parse_int_param` takes it. */
const C_INT_MAX = 2_147_483_647;
const C_INTEGER = /^[ \t\n\v\f\r]*[+-]?\d+[ \t\n\v\f\r]*$/;

/**
 * Pairs hosts with ports as libpq does (`pqConnectOptions2`): as many servers as `hostaddr` names, else as many as `host` names, else one;
 * one port holds for all, otherwise there must be as many ports as servers; an empty port is 5432.
 */
export function resolveHosts(hostList: string, hostaddrList: string, portList: string): DatabaseHost[] {
  const hosts = hostList.split(",");
  const addresses = hostaddrList.split(",");
  const count = hostaddrList === "" ? hosts.length : addresses.length;
  if (hostList !== "" && hosts.length !== count) {
    throw new DatabaseUrlError("DATABASE_URL_HOST", `The URL names ${hosts.length} host(s) but ${count} hostaddr value(s).`, { hint: "give one hostaddr per host, with commas between them" });
  }
  const ports = portList.split(",");
  if (ports.length !== 1 && ports.length !== count) {
    throw new DatabaseUrlError("DATABASE_URL_PORT", `The URL names ${ports.length} ports for ${count} host(s).`, { hint: "give one port for all hosts, or one per host" });
  }
  const numbers = ports.map((port, index) => portNumber(port, index + 1));
  return Array.from({ length: count }, (_, index) => ({
    host: hosts[index] ?? "",
    port: numbers[numbers.length === 1 ? 0 : index] ?? DEFAULT_PORT,
  }));
}

function portNumber(text: string, place: number): number {
  if (text === "") return DEFAULT_PORT;
  const port = C_INTEGER.test(text) ? Number(text) : NaN;
  if (!(port >= 1 && port <= 65_535)) {
    throw new DatabaseUrlError("DATABASE_URL_PORT", `Port ${place} of the URL is no integer from 1 to 65535.`, { hint: `if user or password contain / : @ ? or %, ${ENCODE_HINT}` });
  }
  return port;
}

/** Refuses the values of libpq's parameters that libpq itself refuses before it opens a socket. */
export function checkParameterValues(params: Readonly<Record<string, string>>): void {
  for (const [name, allowed] of Object.entries(ALLOWED_VALUES)) {
    const value = params[name];
    if (value !== undefined && !allowed.includes(value)) {
      throw new DatabaseUrlError("DATABASE_URL_VALUE", `The value of "${name}" is none that libpq knows.`, { hint: `use one of: ${allowed.join(", ")}` });
    }
  }
  for (const name of INTEGER_PARAMETERS) {
    const value = params[name];
    if (value !== undefined && !(C_INTEGER.test(value) && Math.abs(Number(value)) <= C_INT_MAX)) {
      throw new DatabaseUrlError("DATABASE_URL_VALUE", `The value of "${name}" is no integer.`, { hint: `write ${name} as a whole number, e.g. ${name}=10` });
    }
  }
  checkTlsVersions(params);
  checkSslModeStrength(params);
}

function checkTlsVersions(params: Readonly<Record<string, string>>): void {
  const [min, max] = ["ssl_min_protocol_version", "ssl_max_protocol_version"].map((name) => {
    const value = params[name];
    if (value === undefined || value === "") return undefined;
    const index = TLS_VERSIONS.findIndex((version) => version.toLowerCase() === value.toLowerCase());
    if (index === -1) throw new DatabaseUrlError("DATABASE_URL_VALUE", `The value of "${name}" is no TLS version that libpq knows.`, { hint: `use one of: ${TLS_VERSIONS.join(", ")}` });
    return index;
  });
  if (min !== undefined && max !== undefined && min > max) {
    throw new DatabaseUrlError("DATABASE_URL_VALUE", "ssl_min_protocol_version is newer than ssl_max_protocol_version.", { hint: "swap them, or leave ssl_max_protocol_version out" });
  }
}

/** Two settings promise more than a weak sslmode keeps; libpq refuses the pair rather than break the promise. */
function checkSslModeStrength(params: Readonly<Record<string, string>>): void {
  const mode = sslModeOf(params);
  if (params["sslrootcert"] === "system" && mode !== "verify-full") {
    throw new DatabaseUrlError("DATABASE_URL_VALUE", `sslrootcert=system is not safe with sslmode=${mode}: anyone can have a certificate from a public authority.`, { hint: "use sslmode=verify-full" });
  }
  if (params["sslnegotiation"] === "direct" && !["require", "verify-ca", "verify-full"].includes(mode)) {
    throw new DatabaseUrlError("DATABASE_URL_VALUE", `sslnegotiation=direct cannot fall back to plain text as sslmode=${mode} allows.`, { hint: "use sslmode=require, verify-ca or verify-full" });
  }
}
