import type { Service } from "../../../manager/src/catalog/catalog";

/** For one question; shorter than the interval. */
const TIMEOUT_SECONDS = 4;

/** A health check as the provider takes it. Durations as Go writes them: `1m0s`. */
export interface HealthCheck {
  readonly tests: string[];
  readonly interval: string;
  readonly timeout: string;
  readonly startPeriod: string;
  /** Failures in a row that make a container unhealthy. */
  readonly retries: number;
}

/**
 * Asks a service's `healthPath` inside its container, with the first of four programs that its image has: there is nothing that every image has. From outside
 * it could be asked with any image, but then Docker, Compose and `docker ps` would know nothing of it. An image with none of the four is taken for healthy
 * as long as it runs; one without a shell brings its own check (`healthCheck: false`).
 */
export function healthCheck({ port, healthPath }: Pick<Service, "port" | "healthPath">): HealthCheck {
  // Neither has a character that a shell would see anything in (manager/src/catalog/web.ts).
  const url = `http://127.0.0.1:${port}${healthPath}`;
  const ways: readonly (readonly [program: string, command: string])[] = [
    ["curl", `curl -fsS -o /dev/null --max-time ${TIMEOUT_SECONDS} ${url}`],
    ["wget", `wget -q -T ${TIMEOUT_SECONDS} -O /dev/null ${url}`],
    ["node", `node -e 'require("http").get(process.argv[1],{timeout:${TIMEOUT_SECONDS * 1000}},(r)=>process.exit(r.statusCode<400?0:1)).on("error",()=>process.exit(1))' ${url}`],
    ["python3", `python3 -c 'import sys,urllib.request;urllib.request.urlopen(sys.argv[1],timeout=${TIMEOUT_SECONDS})' ${url}`],
  ];
  const script = ways.map(([program, command]) => `if command -v ${program} >/dev/null 2>&1; then exec ${command}; fi`).join("; ");
  return { tests: ["CMD-SHELL", script], interval: "10s", timeout: "5s", startPeriod: "30s", retries: 3 };
}
