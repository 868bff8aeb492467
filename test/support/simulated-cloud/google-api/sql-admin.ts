import { sqlServerOf } from "../behaviours/cloud-sql";
import { runAsProvider, setBuiltInUser } from "../behaviours/sql-server/sql-server";
import type { Cloud, CloudResource } from "../provider/cloud";
import { ApiError, notFound } from "./http";
import type { Route } from "./http";

const TYPE = "gcp:sql/databaseInstance:DatabaseInstance";

/** Instances as the Admin API shows them, and their built-in users, which are made in the real Postgres. */
export function sqlAdminRoutes(cloud: Cloud): Route[] {
  const instance = (name: string): CloudResource => {
    const found = cloud.find(TYPE, ({ inputs }) => inputs["name"] === name);
    if (found === undefined) throw new ApiError(404, "NOT_FOUND", "The Cloud SQL instance does not exist.");
    return found;
  };
  const server = (name: string) => {
    const found = sqlServerOf(cloud, instance(name).id);
    if (found === undefined) throw notFound(`Postgres of ${name}`);
    return found;
  };
  const base = String.raw`^/sql/v1beta4/projects/[^/]+`;
  const users = new RegExp(String.raw`${base}/instances/(?<name>[^/]+)/users$`);
  // The API works on one instance one thing at a time, and each is an operation to be asked about.
  let operations = 0;
  const done = new Map<string, boolean>();
  const busy = new Set<string>();
  const setUser = async (instanceName: string, user: { name: string; password: string }): Promise<unknown> => {
    if (busy.has(instanceName)) throw new ApiError(409, "ABORTED", "Operation failed because another operation was already in progress.");
    busy.add(instanceName);
    try {
      const name = `operation-${(operations += 1)}`;
      await setBuiltInUser(server(instanceName), user);
      done.set(name, true);
      return { name, status: "RUNNING" };
    } finally {
      busy.delete(instanceName);
    }
  };
  const exists = async (name: string, user: string): Promise<boolean> => (await runAsProvider(server(name), "postgres", `SELECT 1 FROM pg_roles WHERE rolname = '${user.replaceAll("'", "''")}'`)).length > 0;
  return [
    {
      method: "GET",
      pattern: new RegExp(`${base}/instances$`),
      answer: (_, { query }) => {
        const label = /^settings\.userLabels\.([\w-]+):(.+)$/.exec(query.get("filter") ?? "");
        return { items: cloud.list(TYPE).map(instanceJson).filter(({ settings }) => label === null || settings.userLabels[label[1]!] === label[2]) };
      },
    },
    { method: "GET", pattern: new RegExp(String.raw`${base}/instances/(?<name>[^/]+)$`), answer: ({ name }) => instanceJson(instance(name!)) },
    { method: "GET", pattern: new RegExp(String.raw`${base}/instances/(?<name>[^/]+)/listServerCertificates$`), answer: ({ name }) => ({ caCerts: [{ cert: server(name!).ca }], serverCerts: [] }) },
    { method: "GET", pattern: users, answer: async ({ name }) => ({ items: (await runAsProvider(server(name!), "postgres", "SELECT rolname AS name FROM pg_roles WHERE rolcanlogin ORDER BY 1")).map((row) => ({ name: row["name"], type: "BUILT_IN" })) }) },
    {
      method: "POST",
      pattern: users,
      answer: async ({ name }, { body }) => {
        const user = body as { name: string; password: string };
        if (await exists(name!, user.name)) throw new ApiError(409, "ALREADY_EXISTS", `user ${user.name} already exists.`);
        return setUser(name!, user);
      },
    },
    {
      method: "PUT",
      pattern: users,
      answer: async ({ name }, { body, query }) => setUser(name!, { ...(body as { password: string }), name: query.get("name")! }),
    },
    { method: "GET", pattern: new RegExp(String.raw`${base}/operations/(?<name>[^/]+)$`), answer: ({ name }) => ({ name, status: done.get(name!) === true ? "DONE" : "RUNNING" }) },
  ];
}

function instanceJson({ inputs, outputs }: CloudResource) {
  const settings = (inputs["settings"] ?? {}) as { userLabels?: Record<string, string>; databaseFlags?: unknown; ipConfiguration?: unknown };
  return {
    name: inputs["name"] as string,
    state: (outputs["state"] as string | undefined) ?? "RUNNABLE",
    createTime: "2026-11-01T00:00:00.000Z",
    databaseVersion: inputs["databaseVersion"] ?? "POSTGRES_17",
    databaseInstalledVersion: "POSTGRES_17_5",
    instanceType: inputs["masterInstanceName"] === undefined ? "CLOUD_SQL_INSTANCE" : "READ_REPLICA_INSTANCE",
    dnsNames: outputs["dnsNames"],
    ipAddresses: ((outputs["ipAddresses"] ?? []) as { ipAddress: string; type: string }[]).map(({ ipAddress, type }) => ({ ipAddress, type })),
    settings: { userLabels: settings.userLabels ?? {}, databaseFlags: settings.databaseFlags, ipConfiguration: { serverCaMode: "GOOGLE_MANAGED_CAS_CA", ...(settings.ipConfiguration as object | undefined) } },
  };
}
