import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMPONENTS = join(__dirname, "..", "..", "..", "components", "docker");

/** Programs that stand for those of an image. Each notes that it was called, and with what, in `calls`. */
const PROGRAMS = {
  // Whoever runs the test, the script takes itself for root in a container.
  id: '[ "$1" = -u ] && [ $# = 1 ] && { echo 0; exit; }; [ "${1#-}" = "$1" ] || shift; [ "$1" = postgres ] || [ "$1" = redis ] || [ "$1" = clickhouse ] || exit 1; echo 70',
  chown: 'echo "chown $*" >> "$CALLS"',
  find: 'echo "find $*" >> "$CALLS"',
  gosu: 'echo "gosu $*" >> "$CALLS"; shift; exec "$@"',
  setpriv: "exit 1",
  "su-exec": 'echo "su-exec $*" >> "$CALLS"; shift; exec "$@"',
  postgres: '[ "$1" = --version ] && { echo "postgres (PostgreSQL) ${MAJOR:-17}.2 (Debian 17.2-1)"; exit; }; echo "postgres $*" >> "$CALLS"',
  initdb: 'echo "initdb $*" >> "$CALLS"; folder=${1#--pgdata=}; mkdir -p "$folder/base/1" "$folder/global"; echo "${MAJOR:-17}" > "$folder/PG_VERSION"; [ -z "${KILLED:-}" ] || exit 137; touch "$folder/global/pg_control" "$folder/postgresql.conf"',
};
type Program = keyof typeof PROGRAMS;

/** What the script takes from any image. Nothing else of this machine is on its PATH, which may have a Postgres of its own. */
const TOOLS = ["sh", "sed", "cat", "cp", "mv", "rm", "rmdir", "mkdir", "touch", "chmod", "sync", "grep", "true"];

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bulkhead-start-"));
  for (const folder of ["bin", "config", "tls", "keys", "data", "sockets", "tools"]) mkdirSync(join(root, folder));
  for (const tool of TOOLS) symlinkSync(["/usr/bin", "/bin"].map((folder) => join(folder, tool)).find((path) => existsSync(path))!, join(root, "tools", tool));
  for (const file of ["scripts/common.sh", "postgres/start.sh", "postgres/health.sh"]) cpSync(join(COMPONENTS, file), join(root, "config", file.split("/")[1]!));
  // Debian's folder is the machine's; it has a test of its own below.
  writeFileSync(join(root, "config", "programs.sh"), "find_programs() { :; }\n");
  for (const file of ["ca.crt", "server.crt", "server.key"]) writeFileSync(join(root, "tls", file), `${file}\n`);
  install("id", "chown", "find", "gosu", "setpriv", "postgres", "initdb");
});
afterEach(() => {
  chmodSync(join(root, "keys"), 0o700);
  rmSync(root, { recursive: true, force: true });
});

function install(...programs: Program[]): void {
  for (const program of programs) writeFileSync(join(root, "bin", program), `#!/bin/sh\n${PROGRAMS[program]}\n`, { mode: 0o755 });
}

function uninstall(...programs: Program[]): void {
  for (const program of programs) rmSync(join(root, "bin", program));
}

const inside = (...parts: string[]): string => join(root, ...parts);

/** Runs the script as the container does, and tells what it called. Memory of the container is new at each start. */
function start(variables: Readonly<Record<string, string>> = {}): { status: number | null; stderr: string; calls: string[] } {
  chmodSync(inside("keys"), 0o700);
  rmSync(inside("keys"), { recursive: true });
  mkdirSync(inside("keys"));
  writeFileSync(inside("calls"), "");
  const { status, stderr } = spawnSync("/bin/sh", [inside("config", "start.sh"), inside("tls"), inside("keys"), inside("data"), inside("sockets"), "postgres"], {
    env: { PATH: `${inside("bin")}:${inside("tools")}`, CALLS: inside("calls"), ...variables },
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status, stderr, calls: readFileSync(inside("calls"), "utf8").split("\n").filter((line) => line !== "") };
}

const called = (calls: readonly string[], program: string): string[] => calls.filter((line) => line.startsWith(`${program} `));

describe("the start script of shared-postgres", () => {
  it("makes a data directory in an empty volume, and starts the server on it as its own user", () => {
    const { status, stderr, calls } = start();
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(readdirSync(inside("data")).sort()).toEqual(["PG_VERSION", "base", "global", "postgresql.conf"]);
    const [initdb] = called(calls, "initdb");
    for (const option of ["--username=postgres", "--data-checksums", "--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]) expect(initdb).toContain(` ${option}`);
    expect(called(calls, "gosu").map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual(["gosu postgres initdb", "gosu postgres postgres"]);
    const [server] = called(calls, "postgres");
    for (const file of ["config_file=", "hba_file=", "ident_file="]) expect(server).toContain(` -c ${file}${inside("config")}`);
    expect(server).toContain(`-c ssl=on -c ssl_cert_file=${inside("keys", "server.crt")} -c ssl_key_file=${inside("keys", "server.key")}`);
    expect(server).toContain("-c reserved_connections=3");
    expect(calls).toContain(`chown postgres ${inside("keys", "server.key")}`);
  });

  it("starts on a data directory that is there, and makes none", () => {
    start();
    writeFileSync(inside("data", "base", "1", "rows"), "kept");
    const { status, calls } = start();
    expect(status).toBe(0);
    expect(called(calls, "initdb")).toEqual([]);
    expect(called(calls, "postgres")).toHaveLength(1);
    expect(readFileSync(inside("data", "base", "1", "rows"), "utf8")).toBe("kept");
  });

  it("leaves no half volume when initdb is killed: the next start begins anew", () => {
    const first = start({ KILLED: "1" });
    expect(first.status).not.toBe(0);
    expect(called(first.calls, "postgres")).toEqual([]);
    expect(existsSync(inside("data", "PG_VERSION"))).toBe(false);
    const second = start();
    expect(second.status).toBe(0);
    expect(readdirSync(inside("data")).sort()).toEqual(["PG_VERSION", "base", "global", "postgresql.conf"]);
    expect(existsSync(inside("data", "global", "pg_control"))).toBe(true);
  });

  it("goes on with a data directory that was on its way to its place when the container was killed", () => {
    mkdirSync(inside("data", "base", "1"), { recursive: true });
    mkdirSync(inside("data", ".bulkhead-made", "global"), { recursive: true });
    writeFileSync(inside("data", ".bulkhead-made", "global", "pg_control"), "");
    writeFileSync(inside("data", ".bulkhead-made", "PG_VERSION"), "17\n");
    const { status, calls } = start();
    expect(status).toBe(0);
    expect(called(calls, "initdb")).toEqual([]);
    expect(readdirSync(inside("data")).sort()).toEqual(["PG_VERSION", "base", "global"]);
  });

  it("takes away what is left of the way when it was killed after the last step", () => {
    start();
    mkdirSync(inside("data", ".bulkhead-made"));
    expect(start().status).toBe(0);
    expect(existsSync(inside("data", ".bulkhead-made"))).toBe(false);
  });

  it("makes no data directory among somebody's files", () => {
    writeFileSync(inside("data", "holiday.jpg"), "");
    const { status, stderr, calls } = start();
    expect(status).toBe(1);
    expect(stderr).toContain("the volume holds holiday.jpg, and no PG_VERSION");
    expect(called(calls, "initdb")).toEqual([]);
    expect(readdirSync(inside("data"))).toEqual(["holiday.jpg"]);
  });

  it("passes over the lost+found of a file system of its own", () => {
    mkdirSync(inside("data", "lost+found"));
    expect(start().status).toBe(0);
  });

  it("starts no server on data of another major version, and changes nothing", () => {
    start({ MAJOR: "15" });
    const { status, stderr, calls } = start();
    expect(status).toBe(1);
    expect(stderr).toContain("the volume holds data of PostgreSQL 15, and the image is PostgreSQL 17");
    expect(called(calls, "postgres")).toEqual([]);
  });

  it("gives Postgres 15 neither a locale provider nor reserved connections, which it does not know", () => {
    const { status, calls } = start({ MAJOR: "15" });
    expect(status).toBe(0);
    expect(called(calls, "initdb")[0]).toContain(" --locale=C.UTF-8");
    expect(called(calls, "initdb")[0]).not.toContain("provider");
    expect(called(calls, "postgres")[0]).not.toContain("reserved_connections");
  });

  it("refuses a Postgres that is too old", () => {
    const { status, stderr } = start({ MAJOR: "14" });
    expect(status).toBe(1);
    expect(stderr).toContain("the image has PostgreSQL 14, and 15 or newer is needed");
  });

  it("uses su-exec where there is no gosu, as in Alpine's images", () => {
    uninstall("gosu");
    install("su-exec");
    const { status, calls } = start();
    expect(status).toBe(0);
    expect(called(calls, "su-exec").map((line) => line.split(" ")[2])).toEqual(["initdb", "postgres"]);
  });

  it("uses setpriv where there is neither, and says what is missing where there is nothing", () => {
    uninstall("gosu");
    const without = start();
    expect(without.status).toBe(1);
    expect(without.stderr).toContain("neither gosu nor su-exec nor setpriv");
    writeFileSync(inside("bin", "setpriv"), '#!/bin/sh\necho "setpriv $*" >> "$CALLS"; shift 3; exec "$@"\n', { mode: 0o755 });
    const { status, calls } = start();
    expect(status).toBe(0);
    expect(called(calls, "setpriv")).toContain("setpriv --reuid=70 --regid=70 --init-groups true");
    expect(called(calls, "postgres")).toHaveLength(1);
  });

  it("says that an image is none of PostgreSQL", () => {
    uninstall("initdb", "postgres");
    const { status, stderr } = start();
    expect(status).toBe(1);
    expect(stderr).toContain("the image has no programs postgres and initdb");
  });

  it("says that certificates are missing", () => {
    rmSync(inside("tls", "server.key"));
    const { status, stderr, calls } = start();
    expect(status).toBe(1);
    expect(stderr).toContain("server.key cannot be read");
    expect(called(calls, "postgres")).toEqual([]);
  });

  it("puts no key, password or variable on the server's command line", () => {
    writeFileSync(inside("tls", "server.key"), "TOP SECRET\n");
    const { calls } = start({ POSTGRES_PASSWORD: "hunter2" });
    expect(calls.join("\n")).not.toMatch(/TOP SECRET|hunter2/);
  });
});

test("the version of the data goes before the newest one of Debian's folders", () => {
  const programs = readFileSync(join(COMPONENTS, "postgres", "programs.sh"), "utf8").replaceAll("/usr/lib/postgresql", inside("debian"));
  writeFileSync(inside("config", "programs.sh"), programs);
  for (const version of [15, 16, 17]) {
    mkdirSync(inside("debian", String(version), "bin"), { recursive: true });
    writeFileSync(inside("debian", String(version), "bin", "postgres"), "", { mode: 0o755 });
  }
  const path = (): string => spawnSync("/bin/sh", ["-eu", "-c", '. "$1"; find_programs "$2"; printf %s "${PATH##*:}"', "sh", inside("config", "programs.sh"), inside("data")], { env: { PATH: inside("tools") }, encoding: "utf8" }).stdout;
  expect(path()).toBe(inside("debian", "17", "bin"));
  writeFileSync(inside("data", "PG_VERSION"), "15\n");
  expect(path()).toBe(inside("debian", "15", "bin"));
});
