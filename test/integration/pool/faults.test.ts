import type { ErrorClass } from "../../../manager/src/errors";
import { createPool } from "../../../manager/src/pool";
import { startFaultProxy } from "../../support/fault-proxy";
import { poolConfig, startPoolServer } from "../../support/pool";
import type { TestServer } from "../../support/server";
import { DEADLINES, FAULTS, PHASES, runCell } from "./fault-cells";
import type { CellResult, FaultName, Phase } from "./fault-cells";

/** How the operating system and the driver name a connection that is gone. */
const LOST = ["ECONNRESET", "EPIPE", "Connection terminated unexpectedly"] as const;
const OK = ["ok"] as const;
const NO_CONNECTION = ["POOL_ACQUIRE_TIMEOUT"] as const;
const NO_ANSWER = ["POOL_QUERY_TIMEOUT"] as const;
const UNKNOWN = ["POOL_COMMIT_UNKNOWN"] as const;

type Expected = Readonly<Record<Phase, readonly string[]>>;

/** The network is poor, but everything gets through. */
const GETS_THROUGH: Expected = { connect: OK, auth: OK, idle: OK, "in query": OK, "in transaction": OK, "in COMMIT": OK, "in release": OK, "in validation": OK };
/** The connection goes, and no new one can be had while the fault lasts. */
const BREAKS: Expected = {
  connect: NO_CONNECTION, auth: NO_CONNECTION, idle: NO_CONNECTION,
  "in query": LOST, "in transaction": LOST, "in COMMIT": UNKNOWN,
  "in release": NO_CONNECTION, "in validation": NO_CONNECTION,
};

/** The documented outcome of each cell (docs/manager/pool.md). */
const EXPECTED: Readonly<Record<FaultName, Expected>> = {
  latency: GETS_THROUGH,
  bandwidth: GETS_THROUGH,
  "slow close": GETS_THROUGH,
  slicing: GETS_THROUGH,
  down: BREAKS,
  reset: BREAKS,
  // The idle connection still takes the query; its answer is cut short.
  "data limit": { ...BREAKS, idle: LOST },
  // Nothing says that the connection is dead: the query's own deadline does.
  "black hole": { ...BREAKS, idle: NO_ANSWER, "in query": NO_ANSWER, "in transaction": NO_ANSWER },
};

/** The documented class of each outcome. In all of these cells the database, not the number of connections, is why none was had. */
const CLASSES: Readonly<Record<string, ErrorClass | undefined>> = {
  ok: undefined,
  ECONNRESET: "connection",
  EPIPE: "connection",
  "Connection terminated unexpectedly": "connection",
  POOL_ACQUIRE_TIMEOUT: "connection",
  POOL_QUERY_TIMEOUT: "timeout",
  POOL_COMMIT_UNKNOWN: "unknown-outcome",
};

const CELLS = (Object.keys(FAULTS) as FaultName[]).flatMap((fault) => PHASES.map((phase) => ({ fault, phase })));
/** Cells running at once. */
const LANES = 8;
/** The longest a call may take: to get a connection, and for a query on it; a tenth more, and room for a busy machine. */
const LIMIT_MS = (DEADLINES.acquireTimeoutMs + DEADLINES.queryTimeoutMs) * 1.1 + 1500;

describe("a pool on a network with faults", () => {
  let server: TestServer;
  const results = new Map<string, CellResult | Error>();

  beforeAll(async () => {
    server = await startPoolServer(150);
    const pool = createPool({ ...poolConfig(server), max: 1 });
    await pool.query("CREATE TABLE writes (key text)");
    await pool.query(
      "CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.key LIKE '%in COMMIT' THEN PERFORM pg_sleep(0.2); END IF; RETURN NULL; END $$",
    );
    await pool.query("CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON writes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit()");
    await pool.end();
    const authBytes = await bytesUntilAuthentication(server);
    const todo = [...CELLS];
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (let cell = todo.shift(); cell !== undefined; cell = todo.shift()) {
          const { fault, phase } = cell;
          results.set(`${fault} ${phase}`, await runCell(server, fault, phase, authBytes).catch((error: unknown) => error as Error));
        }
      }),
    );
  });

  afterAll(() => server?.stop());

  test.each(CELLS)("$fault, $phase: ends in time as documented, loses no connection, repeats no write, and serves again", ({ fault, phase }) => {
    const result = results.get(`${fault} ${phase}`);
    if (result === undefined || result instanceof Error) throw result ?? new Error("the cell did not run");
    expect(EXPECTED[fault][phase]).toContain(result.outcome);
    expect(result.errorClass).toBe(CLASSES[result.outcome]);
    expect(result.elapsedMs).toBeLessThan(LIMIT_MS);
    expect(result.servedAfter).toBe(true);
    // Every connection is accounted for: nobody has one, nobody waits, and what is open is idle.
    expect({ inUse: result.inUse, waiting: result.waiting, total: result.total }).toEqual({ inUse: 0, waiting: 0, total: result.idle });
    expect(result.rows).toBeLessThanOrEqual(1);
    const writes = phase === "in transaction" || phase === "in COMMIT";
    if (writes && result.outcome === "ok") expect(result.rows).toBe(1);
    // Only an unknown outcome may have left a row behind an error.
    if (result.outcome !== "ok" && result.outcome !== "POOL_COMMIT_UNKNOWN") expect(result.rows).toBe(0);
  });
});

/** Bytes that the server sends a new connection until TLS stands and authentication begins. */
async function bytesUntilAuthentication(server: TestServer): Promise<number> {
  const proxy = await startFaultProxy(server);
  const pool = createPool({ ...poolConfig(server, proxy), max: 1 });
  await pool.query("SELECT 1");
  await pool.end();
  await proxy.stop();
  const [answerToTls = 0, hello = 0] = proxy.serverChunks;
  return answerToTls + hello;
}
