import { renderPgHba, renderPgIdent, renderPostgresqlConf } from "../../../components/docker/postgres/server-config";

const settings = (memoryMb = 2048, superuser = "postgres") => ({ maxConnections: 300, postgres: { memoryMb, superuser } });

/** Settings as Postgres reads them: the last line of a name counts. */
function parsed(text: string): Record<string, string> {
  return Object.fromEntries(text.split("\n").flatMap((line) => {
    const match = /^(\w[\w.]*) = '?(.*?)'?$/.exec(line);
    return match === null ? [] : [[match[1]!, match[2]!]];
  }));
}

test("memory is shared out by the container's limit", () => {
  expect(parsed(renderPostgresqlConf(settings(2048)))).toMatchObject({ max_connections: "300", shared_buffers: "512MB", effective_cache_size: "1024MB", maintenance_work_mem: "128MB" });
  expect(parsed(renderPostgresqlConf(settings(256)))).toMatchObject({ shared_buffers: "64MB", maintenance_work_mem: "16MB" });
  expect(parsed(renderPostgresqlConf(settings(65_536)))).toMatchObject({ maintenance_work_mem: "512MB" });
});

test("what the local target has holds in the container, too", () => {
  expect(parsed(renderPostgresqlConf(settings()))).toMatchObject({ ssl: "on", password_encryption: "scram-sha-256", shared_preload_libraries: "pg_stat_statements", "pg_stat_statements.track_utility": "off", log_statement: "none", log_parameter_max_length: "0", timezone: "UTC" });
});

test("it says nothing that Postgres 15 does not know", () => {
  expect(parsed(renderPostgresqlConf(settings()))).not.toHaveProperty("reserved_connections");
});

test("nobody comes in over the network without TLS, and never the superuser", () => {
  const rules = renderPgHba(settings(2048, "admin")).split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(/\s+/));
  expect(rules).toEqual([
    ["local", "all", "all", "peer", "map=bulkhead"],
    ["host", "all", '"postgres","admin"', "all", "reject"],
    ["hostssl", "all", "all", "all", "scram-sha-256"],
    ["host", "all", "all", "all", "reject"],
  ]);
});

test("on the socket the server's own user is the superuser, and nobody else is anybody", () => {
  expect(renderPgIdent(settings(2048, "admin")).split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual(['bulkhead  postgres  "admin"']);
});
