/** What the tests use of pg-cursor, which has no types of its own. */
declare module "pg-cursor" {
  import type { Connection, Submittable } from "pg";

  export default class Cursor<Row = unknown> implements Submittable {
    constructor(text: string, values?: unknown[]);
    read(rowCount: number): Promise<Row[]>;
    close(): Promise<void>;
    submit(connection: Connection): void;
  }
}
