import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program `docker` of the test's own, the only one on the PATH, beside the machine's usual commands. */
export interface StandIn {
  readonly folder: string;
  /** What it does from now on: a script for sh. */
  does(script: string): void;
  /** From now on there is none. */
  isMissing(): void;
  remove(): void;
}

/** Puts itself first on this process's PATH, until it is removed. */
export function standInDocker(): StandIn {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-docker-stand-in-"));
  const before = { PATH: process.env["PATH"], DOCKER_HOST: process.env["DOCKER_HOST"], DOCKER_CONTEXT: process.env["DOCKER_CONTEXT"] };
  const program = join(folder, "docker");
  delete process.env["DOCKER_HOST"];
  delete process.env["DOCKER_CONTEXT"];
  return {
    folder,
    does(script) {
      writeFileSync(program, `#!/bin/sh\n${script}\n`);
      chmodSync(program, 0o755);
      process.env["PATH"] = `${folder}:/usr/bin:/bin`;
    },
    isMissing() {
      rmSync(program, { force: true });
      process.env["PATH"] = folder;
    },
    remove() {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
