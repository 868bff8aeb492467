import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";

import type { Behaviours } from "../provider/behaviour";
import type { Cloud, CloudResource } from "../provider/cloud";
import type { SqlServer } from "./sql-server/sql-server";

const TYPE = "gcp:sql/databaseInstance:DatabaseInstance";

/** Loaded when there is something to do: the provider starts at every command. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- on demand
const servers = (): typeof import("./sql-server/sql-server") => require("./sql-server/sql-server") as typeof import("./sql-server/sql-server");

/** A Cloud SQL instance is a real Postgres of this machine. */
export const behaviours: Behaviours = {
  [TYPE]: {
    async create(resource, cloud) {
      if (resource.inputs["masterInstanceName"] !== undefined) return {};
      const dnsName = dnsNameOf(resource);
      const server = await servers().createSqlServer({ id: resource.id, dnsName, flags: flagsOf(resource) });
      writeFileSync(fileOf(cloud, resource.id), JSON.stringify(server));
      addPrivateName(cloud, dnsName, server.address);
      cloud.log(`started Postgres for ${resource.id} at ${server.address}`);
      return { privateIpAddress: server.address, firstIpAddress: server.address, ipAddresses: [{ ipAddress: server.address, type: "PRIVATE", timeToRetire: "" }], serverCaCerts: [{ cert: server.ca, commonName: "simulated", createTime: "", expirationTime: "", sha1Fingerprint: "" }] };
    },
    // Whatever is changed of an instance, it stays where it is.
    async update(_resource, { outputs: { privateIpAddress, firstIpAddress, ipAddresses, serverCaCerts } }) {
      return { privateIpAddress: privateIpAddress!, firstIpAddress: firstIpAddress!, ipAddresses: ipAddresses!, serverCaCerts: serverCaCerts! };
    },
    async delete(resource, cloud) {
      const server = sqlServerOf(cloud, resource.id);
      if (server === undefined) return;
      await servers().removeSqlServer(server);
      rmSync(fileOf(cloud, resource.id), { force: true });
    },
  },
};

/** Ends what still runs. */
export async function dispose(cloud: Cloud): Promise<void> {
  for (const { id } of cloud.list(TYPE)) {
    const server = sqlServerOf(cloud, id);
    if (server !== undefined) await servers().removeSqlServer(server);
  }
}

/** The Postgres behind an instance; undefined where it has none. */
export function sqlServerOf(cloud: Cloud, id: string): SqlServer | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(cloud, id), "utf8")) as SqlServer;
  } catch {
    return undefined;
  }
}

/** Where names of the private zones lead, for what "runs inside the VPC": see private-dns.cjs. */
export function privateNamesFile(cloud: Cloud): string {
  return join(cloud.folder(), "private-names.json");
}

function addPrivateName(cloud: Cloud, name: string, address: string): void {
  const file = privateNamesFile(cloud);
  let names: Record<string, string> = {};
  try {
    names = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  } catch {
    // The first one.
  }
  writeFileSync(file, JSON.stringify({ ...names, [name]: address }));
}

function dnsNameOf({ outputs }: CloudResource): string {
  const [first] = (outputs["dnsNames"] ?? []) as { name: string }[];
  return (first?.name ?? (outputs["dnsName"] as string)).replace(/\.$/, "");
}

function flagsOf({ inputs }: CloudResource): Record<string, string> {
  const settings = inputs["settings"] as { databaseFlags?: { name: string; value: string }[] } | undefined;
  return Object.fromEntries((settings?.databaseFlags ?? []).map(({ name, value }) => [name, value]));
}

function fileOf(cloud: Cloud, id: string): string {
  return join(cloud.folder("sql"), `${createHash("sha256").update(id).digest("hex").slice(0, 20)}.json`);
}
