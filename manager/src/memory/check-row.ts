import { MemoryDatabaseError } from "./memory-error";
import type { ColumnType } from "./tables";
import { TABLES } from "./tables";
import type { TableName } from "./rows";

/** A row whose types were checked, of any table; its values are copies that nobody else holds. */
export type StoredRow = Readonly<Record<string, unknown>> & { readonly id: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INTEGER_MAX = 2_147_483_647;

/**
 * The values as a row would hold them: known columns, the right types, nothing shared with the caller. Columns that are not given are left out.
 *
 * @throws MemoryDatabaseError 42703, 22P02, 22003, 22021
 */
export function checkedValues(table: TableName, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { columns } = TABLES[table];
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) throw new MemoryDatabaseError("42703", `column ${JSON.stringify(name.slice(0, 63))} of ${table} does not exist`, { table, column: name });
    if (value !== undefined) checked[name] = value === null ? null : checkedValue(column.type, value, { table, column: name });
  }
  return checked;
}

/**
 * Checks what a whole row must satisfy by itself, in Postgres' order: NOT NULL, then CHECK.
 *
 * @throws MemoryDatabaseError 23502, 23514
 */
export function checkRow(table: TableName, row: StoredRow): void {
  const { columns, checks } = TABLES[table];
  for (const [name, { nullable }] of Object.entries(columns)) {
    if (!nullable && row[name] === null) throw new MemoryDatabaseError("23502", `null value in column "${name}" of "${table}" violates its not-null constraint`, { table, column: name });
  }
  for (const { name, holds } of checks) {
    if (!holds(row)) throw new MemoryDatabaseError("23514", `a row of "${table}" violates the check constraint "${name}"`, { table, constraint: name });
  }
}

type Place = { readonly table: TableName; readonly column: string };

function checkedValue(type: ColumnType, value: unknown, place: Place): unknown {
  switch (type) {
    case "uuid":
      if (typeof value === "string" && UUID.test(value)) return value.toLowerCase();
      break;
    case "text":
      if (typeof value === "string") return checkedText(value, place);
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "integer":
      if (typeof value !== "number" || !Number.isInteger(value)) break;
      if (Math.abs(value) > INTEGER_MAX) throw new MemoryDatabaseError("22003", `column "${place.column}" of "${place.table}": the number is out of an integer's range`, place);
      return value;
    case "timestamp":
      if (value instanceof Date && !Number.isNaN(value.getTime())) return new Date(value);
      break;
    case "texts":
      if (Array.isArray(value) && value.every((entry): entry is string => typeof entry === "string")) return value.map((entry) => checkedText(entry, place));
      break;
    case "object":
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return checkedJson(value, place);
      break;
  }
  throw new MemoryDatabaseError("22P02", `column "${place.column}" of "${place.table}" takes a value of the type ${type}`, place);
}

function checkedText(text: string, place: Place): string {
  if (text.includes("\0") || !text.isWellFormed()) throw new MemoryDatabaseError("22021", `column "${place.column}" of "${place.table}" takes no NUL and no half of a surrogate pair`, place);
  return text;
}

/** As it comes back out of `jsonb`: what JSON cannot say is gone. */
function checkedJson(value: object, place: Place): unknown {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new MemoryDatabaseError("22P02", `column "${place.column}" of "${place.table}" takes a value that JSON can say`, { ...place, cause });
  }
  if (/(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f])/i.test(text)) throw new MemoryDatabaseError("22021", `column "${place.column}" of "${place.table}" takes no NUL and no half of a surrogate pair`, place);
  return JSON.parse(text);
}
