import { isIPv4 } from "node:net";

/**
 * What the bastion runs at every boot: systemd's own socket proxy on port 5432, which Debian's image has, so that nothing is downloaded. It runs as a user of
 * its own without any right, and at most 64 sessions at once.
 *
 * @throws Error for anything but an IPv4 address, since the text becomes part of a script that root runs
 */
export function bastionStartupScript(databaseAddress: string): string {
  if (!isIPv4(databaseAddress)) throw new Error(`${JSON.stringify(databaseAddress)} is no IPv4 address to forward to`);
  return `#!/bin/bash
set -euo pipefail

cat > /etc/systemd/system/postgres-forward.socket <<'UNIT'
[Unit]
Description=Postgres, forwarded to the database

[Socket]
ListenStream=5432

[Install]
WantedBy=sockets.target
UNIT

cat > /etc/systemd/system/postgres-forward.service <<'UNIT'
[Unit]
Description=Forwarding of Postgres to the database
Requires=postgres-forward.socket
After=postgres-forward.socket

[Service]
ExecStart=/usr/lib/systemd/systemd-socket-proxyd --connections-max=64 ${databaseAddress}:5432
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_UNIX
UNIT

systemctl daemon-reload
systemctl enable --now postgres-forward.socket
`;
}
