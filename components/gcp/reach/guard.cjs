"use strict";
// Runs a program for as long as its own stdin is open. Whoever started it holds the other end: when that process ends, however it ends, the
// pipe closes and the program, with all that it started, is ended too. Arguments: the program and its arguments.
const { spawn } = require("node:child_process");

const GRACE_MS = 2_000;

const [program, ...args] = process.argv.slice(2);
// A group of its own: gcloud is a shell script that starts Python, and both have to go.
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], detached: true });

function endGroup(signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

function end() {
  if (child.pid === undefined) process.exit(1);
  endGroup("SIGTERM");
  setTimeout(() => {
    endGroup("SIGKILL");
    process.exit(0);
  }, GRACE_MS).unref();
}

child.once("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.once("exit", (code) => {
  // What it left of its group.
  endGroup("SIGKILL");
  process.exit(code ?? 1);
});
process.stdin.on("end", end);
process.stdin.on("error", end);
process.stdin.resume();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, end);
// The far end of an inherited output may be gone before the program is.
process.stderr.on("error", () => undefined);
