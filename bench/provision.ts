/**
 * How long provisioning takes: `node -r tsx/cjs bench/provision.ts [runs]` (default: 5 runs of 50 services). Each run has a server of its
 * own, with TLS, SCRAM and durability on; it adds 50 new services, and then provisions the same 50 again.
 */
import { availableParallelism, cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

import { defineServices } from "../manager/src/catalog/define-services";
import type { TierPlan } from "../manager/src/plan/plan";
import { planTier } from "../manager/src/plan/plan-tier";
import { provision } from "../manager/src/provision/provision";
import { serverCpuMs } from "./support/cpu";
import { startDurableServer } from "./support/durable-server";
import type { DurableServer } from "./support/durable-server";
import { seconds, summarise } from "./support/summary";

const SERVICES = 50;
const PROVISIONERS = 8;

/**
 * Terraform with the provider cyrilgdn/postgresql on a plan of the same size, first apply and apply without changes. Measured elsewhere,
 * on a machine of this kind; not part of this run.
 */
const PEER = { name: "Terraform with cyrilgdn/postgresql", newMs: 11_800, unchangedMs: 6_900 };

/** The project's own limits. */
const BARS = { newMs: 1_500, unchangedMs: 350 };

interface Sample {
  readonly wallMs: number;
  readonly clientCpuMs: number;
  readonly serverCpuMs: number | undefined;
}

function planOf(name: string): TierPlan {
  const services = Object.fromEntries(Array.from({ length: SERVICES }, (_, index) => [`${name}${index}`, { port: index + 1 }]));
  // The budget is about running services, of which there are none here.
  return planTier(defineServices(services), { admin: "bulkhead_admin", template: "bulkhead_template", maxConnections: 1_000_000, reservedConnections: 0 });
}

async function measure(server: DurableServer, work: () => Promise<unknown>): Promise<Sample> {
  const cpuBefore = process.cpuUsage();
  const serverBefore = serverCpuMs(server.pid);
  const startedAt = performance.now();
  await work();
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  // A backend counts once it has ended and its parent has noticed.
  await delay(300);
  const serverAfter = serverCpuMs(server.pid);
  return { wallMs, clientCpuMs: (user + system) / 1000, serverCpuMs: serverBefore === undefined || serverAfter === undefined ? undefined : serverAfter - serverBefore };
}

function row(label: string, samples: readonly Sample[], bar: string): string {
  const wall = summarise(samples.map(({ wallMs }) => wallMs));
  const client = summarise(samples.map(({ clientCpuMs }) => clientCpuMs)).median;
  const servers = samples.map(({ serverCpuMs: ms }) => ms).filter((ms) => ms !== undefined);
  const serverCpu = servers.length === 0 ? undefined : summarise(servers).median;
  return [label.padEnd(46), ...[wall.median, wall.min, wall.max, client, serverCpu].map((ms) => seconds(ms).padStart(8)), `  ${bar}`].join("");
}

async function main(): Promise<void> {
  const runs = Number(process.argv[2] ?? 5);
  const fresh: Sample[] = [];
  const unchanged: Sample[] = [];
  const probed: Sample[] = [];
  const race: Sample[] = [];
  const servers: DurableServer[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      const server = await startDurableServer();
      servers.push(server);
      try {
        const plan = planOf("s");
        fresh.push(await measure(server, () => provision(plan, { ...server.options, probe: false })));
        unchanged.push(await measure(server, () => provision(plan, { ...server.options, probe: false })));
        probed.push(await measure(server, () => provision(plan, { ...server.options, probe: true })));
        if (run > 0) continue;
        const raced = planOf("race");
        race.push(await measure(server, () => Promise.all(Array.from({ length: PROVISIONERS }, () => provision(raced, { ...server.options, probe: false })))));
      } finally {
        await server.stop();
      }
    }
  } finally {
    for (const server of servers) await server.remove();
  }
  process.stdout.write(
    [
      `provisioning ${SERVICES} services; PostgreSQL ${servers[0]?.version}, TLS + SCRAM + durability on; ${availableParallelism()} × ${cpus()[0]?.model ?? "unknown"}, load average ${loadavg()[0]!.toFixed(1)}`,
      "seconds".padEnd(46) + ["median", "min", "max", "client", "server"].map((title) => title.padStart(8)).join("") + "   (client, server: CPU, median)",
      row(`new, ${runs} runs`, fresh, `bar ${seconds(BARS.newMs)}`),
      row(`nothing to do, probe: false, ${runs} runs`, unchanged, `bar ${seconds(BARS.unchangedMs)}`),
      row(`nothing to do, probe: true (${SERVICES * 3} logins tried)`, probed, "no bar"),
      row(`${PROVISIONERS} provisioners at once, new, 1 run`, race, "no race, no bar"),
      `${PEER.name}, measured elsewhere: ${seconds(PEER.newMs)} new, ${seconds(PEER.unchangedMs)} nothing to do`,
      `ratio to it, by medians: ${(PEER.newMs / summarise(fresh.map(({ wallMs }) => wallMs)).median).toFixed(1)}× new, ${(PEER.unchangedMs / summarise(unchanged.map(({ wallMs }) => wallMs)).median).toFixed(1)}× nothing to do`,
      "",
    ].join("\n"),
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
