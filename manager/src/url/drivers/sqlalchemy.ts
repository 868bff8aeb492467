import { encodeHost, queryOf } from "../build";
import type { DatabaseUrl } from "../database-url";
import { PARAMETERS } from "../parameters";
import { encodePart } from "../percent-encoding";
import { NOTHING_TO_SAY, SAME, expressParams, notExpressible } from "./express";
import type { ParameterRule } from "./express";

/** psycopg hands every parameter to libpq. */
const PSYCOPG_RULES: Readonly<Record<string, ParameterRule>> = Object.fromEntries([...PARAMETERS.libpq].map((name) => [name, SAME]));

/** asyncpg 0.31: what `asyncpg.connect(dsn=…)` reads from its query (`_parse_connect_dsn_and_args`); application_name and options go to the server as settings. */
const ASYNCPG_RULES: Readonly<Record<string, ParameterRule>> = {
  ...NOTHING_TO_SAY,
  application_name: SAME,
  channel_binding: { values: {}, omit: ["disable", "prefer"] },
  gsslib: SAME,
  krbsrvname: SAME,
  options: SAME,
  passfile: SAME,
  service: SAME,
  ssl_max_protocol_version: SAME,
  ssl_min_protocol_version: SAME,
  sslcert: SAME,
  sslcrl: SAME,
  sslkey: SAME,
  sslmode: SAME,
  sslnegotiation: SAME,
  sslpassword: SAME,
  sslrootcert: SAME,
  target_session_attrs: SAME,
};

/** `postgresql+psycopg://…` for SQLAlchemy 2 with psycopg 3: libpq underneath, so everything keeps its meaning. Refused: a parameter with an empty value, which SQLAlchemy drops. */
export function formatSqlalchemyPsycopg(url: DatabaseUrl): string {
  return sqlalchemyUrl("postgresql+psycopg", url, expressParams("sqlalchemy-psycopg", url.params, PSYCOPG_RULES));
}

/**
 * `postgresql+asyncpg://…` for SQLAlchemy 2 with asyncpg. SQLAlchemy passes the query as keyword arguments, and asyncpg's TLS files are none, so all
 * parameters but `ssl` stand in its `dsn` argument, without host or credentials. Refused: hostaddr, connect_timeout (a number, which a URL cannot carry:
 * `connect_args={"timeout": 10}`), keep-alive settings, sslrootcert=system, sockets in the abstract namespace, and empty values.
 */
export function formatSqlalchemyAsyncpg(url: DatabaseUrl): string {
  const driver = "sqlalchemy-asyncpg";
  if (url.hosts.some(({ host }) => host.startsWith("@"))) throw notExpressible(driver, "a socket in the abstract namespace", "name the socket's folder");
  if (url.params["sslrootcert"] === "system") throw notExpressible(driver, "sslrootcert=system", 'name the bundle of the system, or pass connect_args={"ssl": ssl.create_default_context()}');
  if (url.params["connect_timeout"] !== undefined) throw notExpressible(driver, "connect_timeout", 'remove it and pass connect_args={"timeout": seconds} to create_async_engine');
  const { sslmode, ...others } = expressParams(driver, url.params, ASYNCPG_RULES);
  const query: Record<string, string> = sslmode === undefined ? {} : { ssl: sslmode };
  if (Object.keys(others).length > 0) {
    refuseEmpty(driver, others);
    query["dsn"] = `postgresql://${queryOf(others)}`;
  }
  return sqlalchemyUrl("postgresql+asyncpg", url, query);
}

/** SQLAlchemy decodes user, password and database, but not the host: a host that needs encoding, and several hosts, go into the query. */
function sqlalchemyUrl(scheme: string, { hosts, user, password, database }: DatabaseUrl, params: Readonly<Record<string, string>>): string {
  refuseEmpty(scheme, params);
  const [first] = hosts;
  const inAuthority = hosts.length === 1 && first !== undefined && /^(?:[\w.-]+|[0-9a-f:.]+)$/i.test(first.host);
  const credentials = user === undefined && password === undefined ? "" : `${encodePart(user ?? "", "user")}${password === undefined ? "" : `:${encodePart(password, "password")}`}@`;
  const authority = inAuthority ? `${encodeHost(first.host)}:${first.port}` : "";
  const lists: string[] = [];
  if (!inAuthority) {
    const names = hosts.map(({ host }) => host);
    if (names.some((name) => name !== "")) {
      if (names.includes("")) throw notExpressible(scheme, "an empty host beside others", "name every host");
      lists.push(`host=${encodePart(names.join(","), "host")}`);
    }
    lists.push(`port=${encodePart(hosts.map(({ port }) => port).join(","), "port")}`);
  }
  const query = [...lists, queryOf(params).slice(1)].filter((part) => part !== "").join("&");
  return `${scheme}://${credentials}${authority}/${database === undefined ? "" : encodePart(database, "database")}${query === "" ? "" : `?${query}`}`;
}

function refuseEmpty(driver: string, params: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(params)) {
    if (value === "") throw notExpressible(driver, `an empty value of "${name}"`, `remove ${name} from the URL`);
  }
}
