import type { DatabaseUrl } from "../database-url";

/**
 * libpq's keyword/value form, `host='a,b' port='1,2' user='…'`, for psql, pg_dump, psycopg and everything else on libpq. Expresses all that a URL can.
 * A password in a command line can be read by every user of the machine: hand it over in PGPASSWORD or a password file instead.
 */
export function formatLibpq({ hosts, user, password, database, params }: DatabaseUrl): string {
  const hostList = hosts.map(({ host }) => host).join(",");
  const pairs: [string, string | undefined][] = [
    // Without host names, hostaddr alone says how many servers there are; `host=,` would be names that are empty.
    ["host", /^,*$/.test(hostList) && (hosts.length === 1 || params["hostaddr"] !== undefined) ? undefined : hostList],
    ["port", hosts.map(({ port }) => port).join(",")],
    ["user", user],
    ["password", password],
    ["dbname", database],
    ...Object.entries(params),
  ];
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [`${name}='${value.replace(/[\\']/g, "\\$&")}'`])).join(" ");
}
