// Stands for a service's own migration tool. Its first argument says how it behaves.
const { spawn } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { Client } = require("pg");

async function migrate() {
  const url = new URL(process.env.DATABASE_URL);
  const client = new Client({
    host: url.hostname,
    port: Number(url.port),
    user: url.username,
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    ssl: { ca: readFileSync(url.searchParams.get("sslrootcert"), "utf8") },
  });
  await client.connect();
  await client.query("CREATE TABLE by_tool ()");
  const { rows } = await client.query("SELECT current_user AS role, (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND granted) AS locks");
  console.log(JSON.stringify(rows[0]));
  await client.end();
}

const ways = {
  migrate,
  environment: () => console.log(Object.keys(process.env).sort().join(" "), "in", process.cwd()),
  leak: () => {
    const { password } = new URL(process.env.DATABASE_URL);
    process.stdout.write(`connecting to ${process.env.DATABASE_URL.slice(0, 40)}`);
    setTimeout(() => {
      console.log(process.env.DATABASE_URL.slice(40));
      console.log(`raw ${password} decoded ${decodeURIComponent(password)} PGPASSWORD=${password}`);
      console.error(`${"x".repeat(1990)}${decodeURIComponent(password)}`);
      process.exitCode = 3;
    }, 50);
  },
  flood: () => {
    for (let line = 0; line < 20_000; line++) console.log(`line ${line}`);
    console.log("y".repeat(1_000_000));
    process.exitCode = 1;
  },
  hang: () => {
    // Deaf to SIGTERM, with a child that is deaf too.
    process.on("SIGTERM", () => console.log("not yet"));
    const child = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: "inherit" });
    console.log(`pids ${process.pid} ${child.pid}`);
    setInterval(() => {}, 1000);
  },
  wait: () => {
    console.log(`pids ${process.pid}`);
    setInterval(() => {}, 1000);
  },
  orphan: () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
    child.unref();
    console.log(`pids ${child.pid}`);
  },
};

void ways[process.argv[2]]();
