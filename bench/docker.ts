/**
 * The developers' stack on a real Docker engine of its own, with images made of Debian's packages (test/support/docker): how long the first `up` takes until everything is
 * ready and validated, one with nothing to do, one that starts again after `down`, and one that adds a service. Needs root. Run on a quiet machine:
 * node -r tsx/cjs bench/docker.ts [rounds]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { obtainDocker } from "../test/support/docker/daemon";
import { DockerCheckout } from "../test/support/docker/docker-checkout";
import { provideImages } from "../test/support/docker/images";

/** The body of the catalog that ships, eight compartments. */
const SERVICES = /defineServices\(\{([^]*)\}\);/.exec(readFileSync(join(__dirname, "..", "services.ts"), "utf8"))![1]!;

const rounds = Number(process.argv[2] ?? 3);
/** Bars of the project, with images present, on two quiet cores. Seconds. */
const BARS = { up: 15, noop: 5, addService: 5 };

async function main(): Promise<void> {
  const docker = obtainDocker();
  if ("missing" in docker) throw new Error(docker.missing);
  console.log(`bars: first up ${BARS.up} s, nothing to do ${BARS.noop} s, a service added ${BARS.addService} s`);
  const measure = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    console.log(`${what.padEnd(16)} ${((performance.now() - startedAt) / 1000).toFixed(2)} s`);
    return result;
  };
  const daemon = await measure("engine", docker.start);
  try {
    await measure("images", () => provideImages(daemon, "postgres:17", "redis:7", "clickhouse/clickhouse-server:25.8"));
    for (let round = 0; round < rounds; round++) {
      const stack = await DockerCheckout.create({ daemon, services: SERVICES });
      try {
        await measure("first up", () => stack.up());
        await measure("nothing to do", () => stack.up());
        stack.checkout.declare(`${SERVICES} reports: { port: 5700 },`);
        stack.checkout.write("schemas/reports/001_reports.sql", "CREATE TABLE reports (id bigint PRIMARY KEY);\n");
        stack.checkout.write("schemas/reports/001_reports.rollback.sql", "DROP TABLE reports;\n");
        await measure("a service added", () => stack.up());
        await measure("validate", () => stack.validate());
        await measure("down", () => stack.bulkhead(["down"]));
        await measure("up after down", () => stack.up());
        await measure("destroy", () => stack.bulkhead(["down", "--destroy", "--yes"]));
      } finally {
        await stack.remove();
      }
    }
  } finally {
    await daemon.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
