import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";

/** Google's APIs that are spoken to from here, with the address that each has unless the stack names another. */
const APIS = {
  secretManager: "https://secretmanager.googleapis.com/v1/",
  sql: "https://sqladmin.googleapis.com/sql/v1beta4/",
  cloudRunV2: "https://run.googleapis.com/v2/",
  redis: "https://redis.googleapis.com/v1/",
  logging: "https://logging.googleapis.com/v2/",
  resourceManagerV3: "https://cloudresourcemanager.googleapis.com/v3/",
} as const;

export type GoogleApi = keyof typeof APIS;

/** How Google is reached: the same settings that Pulumi's gcp provider takes. */
export interface GoogleSettings {
  readonly project: string;
  readonly region: string;
  /** `gcp:accessToken` or GOOGLE_OAUTH_ACCESS_TOKEN; null for Application Default Credentials. */
  readonly accessToken: string | null;
  /** Address of each API: the public one, or that of a private endpoint. Ends in a slash. */
  readonly endpoints: Readonly<Record<GoogleApi, string>>;
}

/**
 * Reads the settings as Pulumi's provider does: the stack's first, then the environment's.
 *
 * @param setting the value of e.g. `gcp:project`, or undefined where the stack does not set it
 * @throws BulkheadError `CONFIG_INVALID`
 */
export function googleSettings(setting: (key: string) => string | undefined, environment: NodeJS.ProcessEnv = process.env): GoogleSettings {
  const problems: string[] = [];
  const read = (key: string, ...variables: readonly string[]): string | undefined =>
    [setting(`gcp:${key}`), ...variables.map((variable) => environment[variable])].find((value) => value !== undefined && value !== "");
  const required = (key: string, example: string, ...variables: readonly string[]): string => {
    const value = read(key, ...variables);
    if (value === undefined) problems.push(`gcp:${key} is not set: pulumi config set gcp:${key} ${example}`);
    return value ?? "";
  };
  const endpoints = Object.fromEntries(
    Object.entries(APIS).map(([api, address]) => {
      const key = `${api}CustomEndpoint`;
      const value = read(key, endpointVariable(api)) ?? (api === "resourceManagerV3" ? read("resourceManagerCustomEndpoint", endpointVariable("resourceManager"))?.replace(/\/v1\/?$/, "/v3/") : undefined);
      const endpoint = value ?? address;
      const problem = endpointProblem(endpoint);
      if (problem !== undefined) problems.push(`gcp:${key} ${problem}: pulumi config set gcp:${key} ${address}`);
      return [api, endpoint.endsWith("/") ? endpoint : `${endpoint}/`];
    }),
  ) as Record<GoogleApi, string>;
  const settings: GoogleSettings = {
    project: required("project", "<project id>", "GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT"),
    region: required("region", "europe-west1", "GOOGLE_REGION", "GOOGLE_CLOUD_REGION"),
    accessToken: read("accessToken", "GOOGLE_OAUTH_ACCESS_TOKEN") ?? null,
    endpoints,
  };
  if (problems.length > 0) throw new BulkheadError("CONFIG_INVALID", `the settings for Google's APIs have ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`, { hint: "nothing was changed" });
  return settings;
}

/** The variable that the provider reads where the stack names no endpoint: `cloudRunV2` → GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT. */
export function endpointVariable(api: string): string {
  return `GOOGLE_${api.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}_CUSTOM_ENDPOINT`;
}

function endpointProblem(endpoint: string): string | undefined {
  if (!URL.canParse(endpoint)) return `is ${JSON.stringify(endpoint)}, no address`;
  const { protocol, hostname } = new URL(endpoint);
  // Every request carries the access token.
  if (protocol === "https:" || (protocol === "http:" && /^(127(\.\d+){3}|localhost|\[::1\])$/.test(hostname))) return undefined;
  return `is ${JSON.stringify(endpoint)}, which would send credentials unencrypted`;
}
