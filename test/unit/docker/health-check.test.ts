import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { healthCheck } from "../../../components/docker/services/health-check";

let bin: string;
let server: Server;
let answer = 200;
beforeEach(async () => {
  bin = mkdtempSync(join(tmpdir(), "bulkhead-health-"));
  answer = 200;
  server = createServer((request, response) => {
    response.statusCode = request.url === "/live" ? answer : 404;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  rmSync(bin, { recursive: true, force: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** What the check says in an image that has only these programs. */
async function check(port = (server.address() as AddressInfo).port): Promise<number | null> {
  const [, script = ""] = healthCheck({ port, healthPath: "/live" }).tests;
  const child = spawn("/bin/sh", ["-c", script], { env: { PATH: bin }, stdio: "ignore", timeout: 20_000 });
  return new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
}

/** A program that notes nothing and answers as curl does, or the like. */
function fake(name: string, exitCode: number): void {
  writeFileSync(join(bin, name), `#!/bin/sh\nexit ${exitCode}\n`);
  chmodSync(join(bin, name), 0o755);
}

test("node asks where there is neither curl nor wget", async () => {
  symlinkSync(process.execPath, join(bin, "node"));
  expect(await check()).toBe(0);
  answer = 302;
  expect(await check()).toBe(0);
  answer = 503;
  expect(await check()).toBe(1);
  answer = 404;
  expect(await check()).toBe(1);
});

test("a service that does not listen is not healthy", async () => {
  symlinkSync(process.execPath, join(bin, "node"));
  const { port } = server.address() as AddressInfo;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await check(port)).toBe(1);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

test.each(["curl", "wget", "python3"])("%s decides alone where it is the first that is there", async (program) => {
  fake(program, 22);
  expect(await check()).toBe(22);
  fake(program, 0);
  answer = 503;
  expect(await check()).toBe(0);
});

test("an image that has none of them counts as healthy while it runs", async () => {
  answer = 503;
  expect(await check()).toBe(0);
});
