#!/usr/bin/env node
// Starts the policy pack. Pulumi's own policy host loads this file (`--policy-pack policy`); an engine without that host runs it as a program
// (`--policy-pack policy/main.cjs`).
"use strict";

// An engine that is killed cannot end its packs.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid !== engine) process.exit();
}, 1_000).unref();

// @pulumi/policy takes the pack's version from the package.json of the working directory.
process.chdir(__dirname);
// Pulumi's host has by now put its own TypeScript loader in place, which checks types at every start; tsx takes over.
require("tsx/cjs");
require("../scripts/engine/later-packages.ts");
require("./index.ts");
