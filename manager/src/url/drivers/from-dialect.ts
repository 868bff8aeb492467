import type { DatabaseUrl, DatabaseUrlDialect } from "../database-url";
import { PARAMETERS } from "../parameters";
import { notExpressible } from "./express";
import { JDBC_RULES } from "./jdbc";

/** A URL of another dialect with libpq's parameters in the place of its own. Throws `DATABASE_URL_NOT_EXPRESSIBLE` for a parameter of the dialect's pool or cache, which libpq has not. */
export function toLibpqParameters(url: DatabaseUrl, dialect: DatabaseUrlDialect): DatabaseUrl {
  if (dialect === "libpq") return url;
  return { ...url, params: dialect === "prisma" ? fromPrisma(url.params) : fromJdbc(url.params) };
}

function fromPrisma(params: Readonly<Record<string, string>>): Record<string, string> {
  const { schema, sslaccept, ...others } = params;
  const libpq: Record<string, string> = { ...others };
  if (schema !== undefined) libpq["options"] = [libpq["options"], searchPath(schema)].filter((part) => part !== undefined).join(" ");
  // Prisma's sslcert is the file of the authority, which matters only where it checks; libpq's is a client certificate and comes with a key.
  if (params["sslkey"] === undefined) delete libpq["sslcert"];
  if (sslaccept === "strict" && params["sslmode"] !== "disable") {
    const { sslcert } = params;
    Object.assign(libpq, { sslmode: "verify-full", sslrootcert: sslcert ?? params["sslrootcert"] ?? "system" });
  }
  for (const name of Object.keys(libpq)) {
    if (!PARAMETERS.libpq.has(name)) throw notExpressible("libpq", `Prisma's parameter "${name}"`, `remove ${name} from the URL, and set it where the pool is made`);
  }
  return libpq;
}

/** `-c search_path="name"` as one word of libpq's `options`, in which a backslash escapes spaces and backslashes. */
function searchPath(schema: string): string {
  const identifier = /^[a-z_][a-z0-9_]*$/.test(schema) ? schema : `"${schema.replaceAll('"', '""')}"`;
  return `-c search_path=${identifier.replace(/[\\\s]/g, "\\$&")}`;
}

function fromJdbc(params: Readonly<Record<string, string>>): Record<string, string> {
  const libpq: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    if (name === "currentSchema") {
      libpq["options"] = [libpq["options"], searchPath(value)].filter((part) => part !== undefined).join(" ");
      continue;
    }
    if (name === "ssl") {
      // pgjdbc: `ssl=true`, or the bare word, is verify-full unless sslmode says otherwise.
      if (value !== "false" && params["sslmode"] === undefined) libpq["sslmode"] = "verify-full";
      continue;
    }
    const [own, rule] = Object.entries(JDBC_RULES).find(([libpqName, each]) => (each.as ?? libpqName) === name && (each.values === undefined || each.as !== undefined)) ?? [];
    const said = rule?.values === undefined ? value : Object.entries(rule.values).find(([, jdbc]) => jdbc === value)?.[0];
    if (own === undefined || said === undefined) throw notExpressible("libpq", `JDBC's property "${name}"`, `remove ${name} from the URL, or set it in the options of the driver`);
    libpq[own] = said;
  }
  return libpq;
}
