import { createInterface } from "node:readline";

import type { Client, QueryResult } from "pg";

import { messageOf } from "../../manager/src/errors/bulkhead-error";
import { table } from "./table";

/** More rows than this are counted, not shown. */
const ROWS_SHOWN = 200;

/** Reads statements line by line, runs each when its line ends with `;`, and prints what comes back. For machines without psql. */
export async function simpleShell(client: Client, database: string, signal: AbortSignal): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdin.isTTY ? process.stderr : undefined, prompt: `${database}=> `, signal } as Parameters<typeof createInterface>[0]);
  let statement = "";
  lines.prompt();
  for await (const line of lines) {
    if (statement === "" && /^\s*(\\q|exit|quit)\s*;?\s*$/.test(line)) break;
    statement += `${line}\n`;
    if (/;\s*$/.test(line)) {
      process.stdout.write(`${await run(client, statement)}\n`);
      statement = "";
    }
    lines.prompt();
  }
  if (statement.trim() !== "") process.stdout.write(`${await run(client, statement)}\n`);
  lines.close();
}

async function run(client: Client, statement: string): Promise<string> {
  try {
    // Several statements in one line come back as several results.
    const results = (await client.query<unknown[]>({ text: statement, rowMode: "array" })) as QueryResult<unknown[]> | QueryResult<unknown[]>[];
    return [results].flat().map(render).join("\n");
  } catch (error) {
    return `ERROR: ${messageOf(error)}`;
  }
}

function render({ command, rowCount, fields, rows }: QueryResult<unknown[]>): string {
  if (fields.length === 0) return `${command}${rowCount === null ? "" : ` ${rowCount}`}`;
  const shown = rows.slice(0, ROWS_SHOWN).map((row) => row.map(cell));
  return `${table([fields.map(({ name }) => name), ...shown])}\n(${rows.length} row${rows.length === 1 ? "" : "s"}${rows.length > ROWS_SHOWN ? `, ${ROWS_SHOWN} shown` : ""})`;
}

function cell(value: unknown): string {
  if (value === null) return "";
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : JSON.stringify(value);
}
