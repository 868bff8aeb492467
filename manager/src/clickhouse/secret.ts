import { createHash } from "node:crypto";

import type { StoreEndpoint, StoreSecret } from "../stores/store-secret";
import { clickHouseUser } from "./names";

/** The secret of a service: its user and database at an endpoint. */
export function clickHouseSecret({ host, port, ca }: StoreEndpoint, service: string, password: string): StoreSecret {
  const { name: username, database: scope } = clickHouseUser(service);
  // Neither names nor generated passwords have a character that a URL would want escaped; an IPv6 address has.
  const authority = host.includes(":") ? `[${host}]` : host;
  return { host, port, ca, username, password, scope, url: `https://${username}:${encodeURIComponent(password)}@${authority}:${port}/${scope}` };
}

/** What the server keeps of a password: 64 hexadecimal digits. It needs no salt, since the password is random. */
export function hashPassword(password: string): string {
  return createHash("sha256").update(password).digest("hex");
}
