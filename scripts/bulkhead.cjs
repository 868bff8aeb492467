#!/usr/bin/env node
// The command line is TypeScript, run as written: this file only registers tsx and hands over.
"use strict";
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error: Bulkhead needs Node.js 20.19 or newer; this is ${process.versions.node}\n`);
  process.exit(1);
}
if (__dirname.includes("?")) {
  // tsx takes what stands behind a question mark for a query.
  process.stderr.write(`error: there is a question mark in the path of this checkout, ${__dirname}, which TypeScript's loader cannot read\n  next: move or rename the folder\n`);
  process.exit(1);
}
try {
  require("tsx/cjs");
} catch (error) {
  if (error.code !== "MODULE_NOT_FOUND") throw error;
  process.stderr.write("error: the packages are not installed\n  next: npm ci\n");
  process.exit(1);
}
require("./bulkhead.ts");
