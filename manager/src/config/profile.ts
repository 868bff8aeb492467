import type { DeploymentTarget } from "../url";
import type { Settings } from "./settings";

/** What a mistake costs where the service runs. */
export type Profile = "local" | "staging" | "production";

/** What differs between the profiles. */
export interface ProfileDefaults {
  /** One attempt to connect, with DNS, TLS and login. Milliseconds. */
  readonly connectTimeoutMs: number;
  /** Further attempts after the first, while the service starts. */
  readonly retries: number;
}

export const PROFILES: Readonly<Record<Profile, ProfileDefaults>> = {
  local: { connectTimeoutMs: 5_000, retries: 3 },
  staging: { connectTimeoutMs: 10_000, retries: 5 },
  production: { connectTimeoutMs: 10_000, retries: 5 },
};

const BY_NODE_ENV: Readonly<Record<string, Profile>> = { development: "local", test: "local", staging: "staging", production: "production" };

/**
 * The profile: `BULKHEAD_PROFILE`, else what `NODE_ENV` says, else `production` in a cloud and `local` elsewhere. In doubt it is the stricter one.
 */
export function readProfile(settings: Settings, target: DeploymentTarget): Profile {
  const named = settings.text("BULKHEAD_PROFILE");
  if (named !== undefined) {
    if (Object.hasOwn(PROFILES, named)) return settings.note("profile", named as Profile, "BULKHEAD_PROFILE");
    settings.problem("BULKHEAD_PROFILE", "is no profile", `set it to ${Object.keys(PROFILES).join(", ")}`);
    return "production";
  }
  const nodeEnv = settings.text("NODE_ENV");
  if (nodeEnv !== undefined && Object.hasOwn(BY_NODE_ENV, nodeEnv)) return settings.note("profile", BY_NODE_ENV[nodeEnv] ?? "production", "NODE_ENV");
  return settings.note("profile", target === "cloud" ? "production" : "local", target === "cloud" ? "default in a cloud" : "default outside a cloud");
}
