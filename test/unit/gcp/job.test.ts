import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { SetupJob } from "../../../components/gcp/setup-job/setup-job";
import { inputsOf, record } from "./data-fixtures";

test("the setup job runs once, as its own account, inside the VPC, with no secret in its definition", async () => {
  const resources = await record(
    () =>
      new SetupJob("setup", {
        stack: "prod",
        project: "example",
        region: "europe-west1",
        image: "europe-west1-docker.pkg.dev/example/tools/bulkhead-setup@sha256:00",
        account: "bulkhead-setup@example.iam.gserviceaccount.com",
        vpcAccess: { egress: "PRIVATE_RANGES_ONLY", networkInterfaces: [{ network: "vpc", subnetwork: "services", tags: ["setup"] }] },
        encryptionKey: null,
      }),
  );
  expect(inputsOf(resources, "gcp:cloudrunv2/job:Job")).toEqual({
    name: "bulkhead-prod-setup",
    project: "example",
    location: "europe-west1",
    deletionProtection: false,
    labels: { "bulkhead-stack": "prod" },
    template: {
      taskCount: 1,
      parallelism: 1,
      labels: { "bulkhead-stack": "prod" },
      template: {
        serviceAccount: "bulkhead-setup@example.iam.gserviceaccount.com",
        timeout: "3600s",
        maxRetries: 0,
        executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
        vpcAccess: { egress: "PRIVATE_RANGES_ONLY", networkInterfaces: [{ network: "vpc", subnetwork: "services", tags: ["setup"] }] },
        containers: [
          {
            image: "europe-west1-docker.pkg.dev/example/tools/bulkhead-setup@sha256:00",
            envs: [
              { name: "BULKHEAD_STACK", value: "prod" },
              { name: "GOOGLE_CLOUD_PROJECT", value: "example" },
            ],
            resources: { limits: { cpu: "1", memory: "1Gi" } },
          },
        ],
      },
    },
  });
});

describe("the image", () => {
  const root = join(__dirname, "../../..");
  const dockerfile = readFileSync(join(root, "components/gcp/setup-job/Dockerfile"), "utf8");

  test("is made of files that there are, and of nothing that the ignore file holds back", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => (sources ?? "").split(" "));
    expect(copied.length).toBeGreaterThan(5);
    const ignored = readFileSync(join(root, "components/gcp/setup-job/Dockerfile.dockerignore"), "utf8").split("\n");
    for (const source of copied) {
      expect([source, existsSync(join(root, source))]).toEqual([source, true]);
      expect(ignored).toContain(`!${source.split("/")[0]}`);
    }
  });

  test("runs as a user without rights, from a base that is named by its version", () => {
    expect(dockerfile.trimEnd().split("\n").filter((line) => /^(USER|ENTRYPOINT)/.test(line))).toEqual(["USER node", 'ENTRYPOINT ["node", "-r", "tsx/cjs", "components/gcp/setup-job/main.ts"]']);
    for (const [, base] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(base).toMatch(/^node:\d+\.\d+\.\d+-/);
  });
});
