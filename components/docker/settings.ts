import { decimalNumber, flag, oneOf, text, wholeNumber } from "../settings/kinds";
import type { Section, Setting } from "../settings/read-section";
import { imageParts, imageProblem } from "../../manager/src/catalog/web";

// Every setting of a docker stack: parser, messages and the tables of docs/docker.md are made from these.

const EXAMPLE_DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

const image = text("container image", (value) => imageProblem(value) === undefined);
const port = wholeNumber(1, 65_535);
// Less than 0.01 CPU is refused by the engine; over 512 is a slip of the finger.
const cpus = decimalNumber(0.01, 512);

export const BIND_ADDRESS: Setting<string> = {
  kind: oneOf("127.0.0.1", "0.0.0.0"),
  default: "127.0.0.1",
  example: "127.0.0.1",
  about: "Address of the host at which ports are published. 0.0.0.0 lets other machines try passwords; the certificate is for `localhost` only.",
};

export const MAX_CONNECTIONS: Setting<number> = {
  kind: wholeNumber(50, 5000),
  default: 500,
  example: "500",
  about: "`max_connections` of Postgres, which the compartments share. A change makes the container anew and keeps the data.",
};

export const IMAGES = {
  registry: {
    kind: text("registry, with a path or without, such as mirror.example.com/docker", (value) => imageProblem(`${value}/image`) === undefined && /[.:]|^localhost/.test(value.split("/")[0]!)),
    optional: true,
    example: "mirror.example.com/docker",
    about: "Stands in place of docker.io before the three images that name no registry: `postgres:17` becomes `<registry>/library/postgres:17`. For mirrors, and networks without a way out.",
  },
  pull: { kind: oneOf("missing", "never"), default: "missing", example: "missing", about: "`missing` pulls what is not on the engine; `never` uses what is there, and says what is not." },
  postgres: { kind: image, default: "postgres:17", example: `postgres:17@${EXAMPLE_DIGEST}`, about: "PostgreSQL 15 or newer. With its digest it is the same for everybody; `npx bulkhead doctor` prints the line." },
  redis: { kind: image, default: "redis:7", example: `redis:7@${EXAMPLE_DIGEST}`, about: "Redis 7 or newer, or Valkey; only with a service that asks for it." },
  clickhouse: { kind: image, default: "clickhouse/clickhouse-server:25.8", example: `clickhouse/clickhouse-server:25.8@${EXAMPLE_DIGEST}`, about: "ClickHouse 24.8 or newer; only with a service that asks for it." },
} satisfies Section;

const portOf = (own: number, what: string): Setting<number> => ({ kind: port, default: own, example: String(own), about: `Port on the host${what}. Inside the network it is always ${own}.` });
const memoryOf = (least: number, own: number, example: string): Setting<number> => ({ kind: wholeNumber(least, 1_048_576), default: own, example, about: "Memory at the most, in MB, with nothing of it swapped out. It is a limit: what is not used is not taken." });
const cpusOf = (own: number): Setting<number> => ({ kind: cpus, default: own, example: String(own), about: "CPUs at the most; may be more than there are." });

export const POSTGRES = {
  port: portOf(5432, ""),
  volume: { kind: text("name of a volume", /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/), optional: true, example: "myproject_postgres_data", about: "A volume that exists already, e.g. of Compose, whose data are taken over (`npx bulkhead adopt`). Default: one of the stack's own." },
  superuser: {
    kind: text("name of a role, of letters, digits and underscores", /^[A-Za-z_][A-Za-z0-9_]{0,62}$/),
    default: "postgres",
    example: "postgres",
    about: "Superuser of the data directory: the POSTGRES_USER with which a volume was made by hand. Nobody logs in as it over the network.",
  },
  memoryMb: memoryOf(256, 2048, "2048"),
  cpus: cpusOf(2),
} satisfies Section;

export const REDIS = { port: portOf(6379, ", TLS only"), memoryMb: memoryOf(32, 256, "256"), cpus: cpusOf(1) } satisfies Section;

export const CLICKHOUSE = { port: portOf(8443, ", HTTPS only"), memoryMb: memoryOf(1024, 2048, "2048"), cpus: cpusOf(2) } satisfies Section;

export const SERVICE = {
  image: { kind: image, optional: true, example: "auth:dev", about: "What to run. Default: the catalog's, if that has a tag or a digest. `services.<name>: false` runs it not at all here, e.g. to run it from its sources." },
  healthCheck: { kind: flag, default: true, example: "false", about: "Asks the service's healthPath within the container, with the curl, wget, node or python3 of its image. `false` leaves it to the image's own HEALTHCHECK, as for an image without a shell." },
  memoryMb: memoryOf(16, 512, "512"),
  cpus: cpusOf(1),
} satisfies Section;

/** Names of the project's own settings in a docker stack, beside `target`. */
export const OWN_SETTINGS = ["bindAddress", "maxConnections", "images", "postgres", "redis", "clickhouse", "services"] as const;

/** An image with the registry's prefix before it, if it names no registry itself. */
export function withRegistry(image: string, registry: string | undefined): string {
  const [host = "", ...rest] = imageParts(image).name.split("/");
  if (registry === undefined || (rest.length > 0 && (/[.:]/.test(host) || host === "localhost"))) return image;
  return `${registry}/${rest.length === 0 ? "library/" : ""}${image}`;
}
