import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Cloud } from "../provider/cloud";
import { ApiError, notFound } from "./http";
import type { Route } from "./http";

const SECRET_TYPE = "gcp:secretmanager/secret:Secret";

type State = "ENABLED" | "DISABLED" | "DESTROYED";
interface Version {
  readonly number: number;
  readonly data: string;
  state: State;
}

/** Versions of the secrets that the program made; kept in the cloud's folder. */
export class SecretVersions {
  constructor(private readonly cloud: Cloud) {}

  read(id: string): Version[] {
    if (this.cloud.find(SECRET_TYPE, ({ inputs }) => inputs["secretId"] === id) === undefined) throw notFound(`Secret [projects/${this.cloud.settings.projectNumber}/secrets/${id}]`);
    try {
      return JSON.parse(readFileSync(this.file(id), "utf8")) as Version[];
    } catch {
      return [];
    }
  }

  add(id: string, data: string): number {
    const versions = this.read(id);
    const number = versions.length + 1;
    this.write(id, [...versions, { number, data, state: "ENABLED" }]);
    return number;
  }

  setState(id: string, number: number, state: State): void {
    const versions = this.read(id);
    const version = versions.find((candidate) => candidate.number === number);
    if (version === undefined) throw notFound(`Secret Version [${number}]`);
    if (version.state === "DESTROYED") throw new ApiError(400, "FAILED_PRECONDITION", "Secret Version is in DESTROYED state.");
    version.state = state;
    this.write(id, versions);
  }

  /** `latest` is the newest one, whatever its state. */
  find(id: string, version: string): Version {
    const versions = this.read(id);
    const found = version === "latest" ? versions.at(-1) : versions.find(({ number }) => String(number) === version);
    if (found === undefined) throw notFound(`Secret Version [projects/${this.cloud.settings.projectNumber}/secrets/${id}/versions/${version}]`);
    return found;
  }

  private write(id: string, versions: readonly Version[]): void {
    const file = this.file(id);
    writeFileSync(`${file}.tmp`, JSON.stringify(versions));
    renameSync(`${file}.tmp`, file);
  }

  private file(id: string): string {
    return join(this.cloud.folder("secret-versions"), `${id}.json`);
  }
}

export function secretManagerRoutes(cloud: Cloud, versions: SecretVersions): Route[] {
  const name = (id: string, number: number): string => `projects/${cloud.settings.projectNumber}/secrets/${id}/versions/${number}`;
  const one = String.raw`^/v1/projects/[^/]+/secrets/(?<id>[^/:]+)/versions/(?<version>[^/:]+)`;
  const setState = (verb: string, state: State): Route => ({
    method: "POST",
    pattern: new RegExp(`${one}:${verb}$`),
    answer: ({ id, version }) => {
      versions.setState(id!, Number(version), state);
      return { name: name(id!, Number(version)), state };
    },
  });
  return [
    {
      method: "GET",
      pattern: new RegExp(`${one}:access$`),
      answer: ({ id, version }) => {
        const found = versions.find(id!, version!);
        if (found.state !== "ENABLED") throw new ApiError(400, "FAILED_PRECONDITION", `Secret Version [${name(id!, found.number)}] is in ${found.state} state.`);
        return { name: name(id!, found.number), payload: { data: found.data } };
      },
    },
    { method: "GET", pattern: new RegExp(`${one}$`), answer: ({ id, version }) => { const found = versions.find(id!, version!); return { name: name(id!, found.number), state: found.state }; } },
    {
      method: "POST",
      pattern: /^\/v1\/projects\/[^/]+\/secrets\/(?<id>[^/:]+):addVersion$/,
      answer: ({ id }, { body }) => ({ name: name(id!, versions.add(id!, (body["payload"] as { data: string }).data)), state: "ENABLED" }),
    },
    {
      method: "GET",
      pattern: /^\/v1\/projects\/[^/]+\/secrets\/(?<id>[^/:]+)\/versions$/,
      answer: ({ id }, { query }) => ({ versions: versions.read(id!).filter(({ state }) => !query.get("filter")?.includes("ENABLED") || state === "ENABLED").map(({ number, state }) => ({ name: name(id!, number), state })).reverse() }),
    },
    setState("disable", "DISABLED"),
    setState("enable", "ENABLED"),
    setState("destroy", "DESTROYED"),
  ];
}
