import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join, resolve } from "node:path";

import { privateNamesFile } from "../behaviours/cloud-sql";
import type { Cloud } from "../provider/cloud";
import { notFound } from "./http";
import type { Route } from "./http";

const ROOT = resolve(__dirname, "../../../..");

/** One execution: the job's entry as a process of this machine, which sees the private names. */
interface Execution {
  readonly name: string;
  readonly job: string;
  readonly lines: string[];
  child: ChildProcess;
  exitCode: number | null | undefined;
  cancelled: boolean;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

/** What a test makes go wrong with the jobs. */
export interface JobFaults {
  /** Runs this program in place of the job's entry. */
  entry?: string;
  /** The log shows nothing to this many readers after the execution has ended. */
  lateReads?: number;
}

export class JobExecutions {
  readonly executions: Execution[] = [];

  constructor(private readonly cloud: Cloud, private readonly environment: () => NodeJS.ProcessEnv, readonly faults: JobFaults) {}

  start(job: string, variables: Readonly<Record<string, string>>): Execution {
    const entry = this.faults.entry ?? join(ROOT, "components/gcp/setup-job/main.ts");
    // What the container has: nothing of this process's own environment but where Google is.
    const env = { PATH: process.env["PATH"], HOME: this.cloud.folder("container"), SIMULATED_PRIVATE_NAMES: privateNamesFile(this.cloud), ...this.environment(), ...variables };
    const child = spawn(process.execPath, ["--require", join(__dirname, "private-dns.cjs"), "--require", "tsx/cjs", entry], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    const lines: string[] = [];
    let rest = "";
    const read = (chunk: string): void => {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      lines.push(...parts.filter((line) => line !== ""));
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    const execution: Execution = {
      name: `${job}-${Math.random().toString(36).slice(2, 7)}`,
      job,
      lines,
      child,
      exitCode: undefined,
      cancelled: false,
      ended: new Promise((done) => {
        child.once("close", (code) => {
          execution.exitCode = code;
          done();
        });
      }),
    };
    this.executions.push(execution);
    return execution;
  }

  find(name: string): Execution {
    const found = this.executions.find((execution) => execution.name === name);
    if (found === undefined) throw notFound(`Execution ${name}`);
    return found;
  }

  /** Ends all that still run. */
  async close(): Promise<void> {
    for (const { child } of this.executions) child.kill("SIGKILL");
    await Promise.all(this.executions.map(({ ended }) => ended));
  }
}

export function runRoutes(jobs: JobExecutions): Route[] {
  const parent = String.raw`^/v2/(?<parent>projects/[^/]+/locations/[^/]+)/jobs/(?<job>[^/:]+)`;
  const full = (parentName: string, { job, name }: { job: string; name: string }): string => `${parentName}/jobs/${job}/executions/${name}`;
  return [
    {
      method: "POST",
      pattern: new RegExp(`${parent}:run$`),
      answer: ({ parent, job }, { body }) => {
        const overrides = body["overrides"] as { containerOverrides: { env: { name: string; value: string }[] }[] };
        const execution = jobs.start(job!, Object.fromEntries(overrides.containerOverrides[0]!.env.map(({ name, value }) => [name, value])));
        return { name: `${parent}/operations/1`, done: false, metadata: { "@type": "type.googleapis.com/google.cloud.run.v2.Execution", name: full(parent!, execution) } };
      },
    },
    {
      method: "GET",
      pattern: new RegExp(String.raw`${parent}/executions/(?<name>[^/:]+)$`),
      answer: ({ parent, name }) => {
        const execution = jobs.find(name!);
        const over = execution.exitCode !== undefined;
        return {
          name: full(parent!, execution),
          job: execution.job,
          taskCount: 1,
          ...(over && { completionTime: "2026-11-01T00:00:00Z" }),
          succeededCount: execution.exitCode === 0 ? 1 : 0,
          failedCount: over && execution.exitCode !== 0 && !execution.cancelled ? 1 : 0,
          cancelledCount: execution.cancelled ? 1 : 0,
          conditions: over && execution.exitCode !== 0 ? [{ type: "Completed", state: "CONDITION_FAILED", message: `Task ${execution.name}-task0 failed with message: The container exited with an error.` }] : [],
        };
      },
    },
    {
      method: "POST",
      pattern: new RegExp(String.raw`${parent}/executions/(?<name>[^/:]+):cancel$`),
      answer: ({ parent, name }) => {
        const execution = jobs.find(name!);
        execution.cancelled = true;
        execution.child.kill("SIGTERM");
        return { name: `${parent}/operations/2`, done: false, metadata: { "@type": "type.googleapis.com/google.cloud.run.v2.Execution", name: full(parent!, execution) } };
      },
    },
    {
      method: "POST",
      pattern: /^\/v2\/entries:list$/,
      answer: (_, { body }) => {
        const name = /execution_name"="([^"]+)"/.exec(String(body["filter"]))?.[1] ?? "";
        const { lines, exitCode } = jobs.find(name);
        if (exitCode === undefined) return {};
        if ((jobs.faults.lateReads ?? 0) > 0) {
          jobs.faults.lateReads! -= 1;
          return {};
        }
        return { entries: lines.map((line, index) => ({ insertId: `${name}-${index}`, textPayload: line })) };
      },
    },
  ];
}
