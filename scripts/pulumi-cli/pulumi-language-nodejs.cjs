#!/usr/bin/env node
// bulkhead stand-in for pulumi-language-nodejs
//
// A Pulumi CLI that was built from Go modules has no Node.js language host, because no Go module holds it. This file is copied beside
// such a CLI (and only such a one), so that `pulumi preview`, `pulumi up` and `pulumi destroy` work as with an ordinary CLI. It serves
// Pulumi's LanguageRuntime protocol with the message classes of the @pulumi/pulumi that the program itself has installed.
//
// Beyond the program's own run it answers as little as the CLI needs: no packages are announced (a provider is fetched when a resource
// first asks for it), and providers or policy packs written in Node.js do not start through it.
"use strict";

const { spawn } = require("node:child_process");
const { createRequire } = require("node:module");
const path = require("node:path");

/** The program's exit code after it has shown its error itself; the engine is then told to stop without one of its own. */
const EXIT_AFTER_MESSAGE = 32;
/** How long an interrupted program may take to end, as with Pulumi's own host. */
const KILL_AFTER_MS = 5_000;

const requireFrom = (folder) => createRequire(path.join(folder, "package.json"));

/** Splits `nodeargs` as a shell would: by blanks, with '…', "…" and backslash. */
function splitArguments(text) {
  const words = text.match(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs) ?? [];
  return words.map((word) =>
    word.replace(/\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs, (_, escaped, single, double) => escaped ?? single ?? double.replace(/\\(["\\])/g, "$1")),
  );
}

/** The engine's `project:key` is handed over in the long form `project:config:key`, which every version of the SDK reads. */
function configForProgram(entries) {
  const config = {};
  for (const [key, value] of entries) {
    const [namespace, ...name] = key.split(":");
    config[`${namespace}:config:${name.at(-1)}`] = value;
  }
  return JSON.stringify(config);
}

/** Node's arguments and environment for one run of the program. */
function programCommand(request, engineAddress, tracing) {
  const info = request.getInfo();
  const options = info.getOptions()?.toJavaScript() ?? {};
  const args = [...splitArguments(options.nodeargs ?? ""), requireFrom(info.getProgramDirectory()).resolve("@pulumi/pulumi/cmd/run")];
  const flags = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info.getRootDirectory(),
    stack: request.getStack(),
    pwd: info.getProgramDirectory(),
    parallel: String(request.getParallel()),
    tracing,
  };
  for (const [name, value] of Object.entries(flags)) if (value) args.push(`--${name}`, value);
  if (request.getDryrun()) args.push("--dry-run");
  args.push(info.getEntryPoint() || ".", ...request.getArgsList());

  const env = { ...process.env, PULUMI_CONFIG: configForProgram(request.getConfigMap().entries()) };
  env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(request.getConfigsecretkeysList());
  if (options.typescript !== false) env.PULUMI_NODEJS_TYPESCRIPT = "true";
  if (options.tsconfig) env.PULUMI_NODEJS_TSCONFIG_PATH = options.tsconfig;
  return { args, env };
}

/** Programs that run now, each with the timer that kills it if it was told to end and has not. */
const programs = new Map();

function endProgram(child) {
  if (!programs.has(child) || programs.get(child) !== undefined) return;
  child.kill("SIGINT");
  programs.set(child, setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS));
}

let closing = false;
function close() {
  closing = true;
  if (programs.size === 0) process.exit(0);
  for (const child of programs.keys()) endProgram(child);
}

function runProgram(command, done) {
  // The program writes straight to this process's output, which the engine reads and shows.
  const child = spawn(process.execPath, command.args, { env: command.env, stdio: ["ignore", "inherit", "inherit"] });
  programs.set(child, undefined);
  let ended = false;
  const end = (error, bail) => {
    if (ended) return;
    ended = true;
    clearTimeout(programs.get(child));
    programs.delete(child);
    done(error, bail);
    if (closing) close();
  };
  child.once("error", (error) => end(`could not start the program: ${error.message}`, false));
  child.once("exit", (code, signal) => {
    if (code === 0) end("", false);
    else if (code === EXIT_AFTER_MESSAGE) end("", true);
    else end(signal === null ? `Program exited with non-zero exit code: ${code}` : `Program was ended by ${signal}`, false);
  });
  return child;
}

function serve(engineAddress, tracing) {
  const fromSdk = createRequire(requireFrom(process.cwd()).resolve("@pulumi/pulumi/package.json"));
  const grpc = fromSdk("@grpc/grpc-js");
  const { Empty } = fromSdk("google-protobuf/google/protobuf/empty_pb.js");
  const { LanguageRuntimeService } = fromSdk("./proto/language_grpc_pb.js");
  const messages = fromSdk("./proto/language_pb.js");
  const { PluginInfo } = fromSdk("./proto/plugin_pb.js");
  const answer = (Message) => (_call, respond) => respond(null, new Message());

  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(LanguageRuntimeService, {
    handshake: answer(messages.LanguageHandshakeResponse),
    getPluginInfo: answer(PluginInfo),
    getRequiredPackages: answer(messages.GetRequiredPackagesResponse),
    getRequiredPlugins: answer(messages.GetRequiredPluginsResponse),
    getProgramDependencies: answer(messages.GetProgramDependenciesResponse),
    runtimeOptionsPrompts: answer(messages.RuntimeOptionsResponse),
    about(_call, respond) {
      const about = new messages.AboutResponse();
      about.setExecutable(process.execPath);
      about.setVersion(process.version);
      respond(null, about);
    },
    installDependencies(call) {
      const message = new messages.InstallDependenciesResponse();
      message.setStderr(Buffer.from("This Pulumi CLI was built without its package installer: run `npm ci` yourself.\n"));
      call.write(message);
      call.end();
    },
    run(call, respond) {
      const done = (error, bail) => {
        const response = new messages.RunResponse();
        response.setError(error);
        response.setBail(bail);
        respond(null, response);
      };
      let command;
      try {
        command = programCommand(call.request, engineAddress, tracing);
      } catch (error) {
        return done(error.message, false);
      }
      const child = runProgram(command, done);
      call.on("cancelled", () => endProgram(child));
    },
    cancel(_call, respond) {
      for (const child of programs.keys()) endProgram(child);
      respond(null, new Empty());
    },
  });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}

const args = process.argv.slice(2);
const tracingAt = args.indexOf("--tracing");
try {
  serve(args.at(-1), tracingAt === -1 ? "" : args[tracingAt + 1]);
} catch (error) {
  if (error.code !== "MODULE_NOT_FOUND") throw error;
  process.stderr.write(`The Pulumi SDK is not installed for ${process.cwd()}: run \`npm ci\` there. (${error.message.split("\n")[0]})\n`);
  process.exit(1);
}
process.on("SIGINT", close);
process.on("SIGTERM", close);
// The engine holds the other end of standard input for as long as it lives, so its end is the engine's, however it died.
process.stdin.on("close", close);
process.stdin.resume();
