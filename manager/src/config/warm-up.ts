import { isIP } from "node:net";
import type { RetryOptions } from "../errors";
import { RetryBudget } from "../errors";
import type { AppConfig } from "./app-config";

/** What the delay between attempts to connect depends on. */
export interface WarmUpFacts {
  /** Whether instances come and go with the requests: Cloud Run, AWS Lambda. */
  readonly serverless: boolean;
  /** Whether the database is reached at a private address, and so through a VPC connector or a network interface that has to come up first. */
  readonly privateHost: boolean;
  /** Since the process started; milliseconds. */
  readonly uptimeMs: number;
}

/** For how long after its start an instance counts as cold. Milliseconds. */
const COLD_MS = 60_000;

/** The longest pause before the first retry, which doubles up to `maxMs`; at least the given share of it is waited. */
interface Delay {
  readonly minMs: number;
  readonly maxMs: number;
  readonly floor: number;
}

const LOCAL: Delay = { minMs: 100, maxMs: 1_000, floor: 0 };
const WARM: Delay = { minMs: 250, maxMs: 5_000, floor: 0 };
/** A cold instance has a share of a CPU, and its first packets wait for the network: an attempt at once is an attempt lost. */
const COLD_INSTANCE: Delay = { minMs: 1_000, maxMs: 10_000, floor: 0.5 };
const COLD_CONNECTOR: Delay = { minMs: 2_000, maxMs: 15_000, floor: 0.5 };

/**
 * How to repeat the first connection, for `retry()` of this library: as many attempts as the profile says, longer pauses while the instance or its way into
 * the network warms up. The figures are this library's judgement; no provider states how long either takes.
 */
export function connectRetry(config: Pick<AppConfig, "profile" | "connect">, facts: WarmUpFacts, random: () => number = Math.random): Required<Pick<RetryOptions, "attemptsMax" | "delayMinMs" | "delayMaxMs" | "deadlineMs" | "random" | "budget">> {
  const { minMs, maxMs, floor } = delayFor(config.profile, facts);
  const { timeoutMs, retries } = config.connect;
  let pausesMs = 0;
  for (let retry = 0; retry < retries; retry += 1) pausesMs += Math.min(maxMs, minMs * 2 ** retry);
  return {
    attemptsMax: retries + 1,
    delayMinMs: minMs,
    delayMaxMs: maxMs,
    deadlineMs: (retries + 1) * timeoutMs + pausesMs,
    random: () => floor + (1 - floor) * random(),
    // Starting up is not paid for by the retries of requests.
    budget: new RetryBudget(),
  };
}

function delayFor(profile: AppConfig["profile"], { serverless, privateHost, uptimeMs }: WarmUpFacts): Delay {
  if (profile === "local") return LOCAL;
  if (!serverless || uptimeMs >= COLD_MS) return WARM;
  return privateHost ? COLD_CONNECTOR : COLD_INSTANCE;
}

/** Whether an address is one of a private network (RFC 1918, RFC 6598, RFC 4193). A name may stand for either; it counts as public. */
export function isPrivateAddress(host: string): boolean {
  if (isIP(host) === 6) return /^f[cd]/i.test(host);
  if (isIP(host) !== 4) return false;
  const [first = 0, second = 0] = host.split(".").map(Number);
  return first === 10 || (first === 172 && second >= 16 && second <= 31) || (first === 192 && second === 168) || (first === 100 && second >= 64 && second <= 127);
}
