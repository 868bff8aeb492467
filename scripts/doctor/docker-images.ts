import { imageParts } from "../../manager/src/catalog/web";
import { redact } from "../../manager/src/errors/redact";
import { serversOf } from "../../components/docker/config";
import type { DockerConfig } from "../../components/docker/config";
import { dockerTimeout } from "../../components/docker/engine/docker-errors";
import { inspectImage } from "../../components/docker/engine/inspect";
import { endDocker } from "../../components/docker/engine/run-docker";
import { imageMissing } from "../../components/docker/lifecycle-obstacles";
import { setCommand } from "../../components/settings/problems";
import type { CommandContext } from "../lib/command-context";
import { failed, passed, warning } from "./finding";
import type { Finding } from "./finding";

/** For one question to a registry. */
const REGISTRY_TIMEOUT_MS = 12_000;

/** Whether all images are here, and where they are not, whether they can be had. Pulls nothing. */
export async function images(context: CommandContext, config: DockerConfig): Promise<Finding> {
  const wanted = [...new Set([...serversOf(context.catalog()).map((server) => config.images[server]), ...Object.values(config.services).map(({ image }) => image)])];
  const missing = (await Promise.all(wanted.map(async (image) => ((await inspectImage(image, context.signal)) === undefined ? [image] : [])))).flat();
  if (missing.length === 0) return passed(`${wanted.length} here`);
  const findings = await Promise.all(missing.map((image) => missingImage(context, config, image)));
  const worst = findings.find(({ status }) => status === "failed") ?? findings[0]!;
  return { ...worst, detail: findings.map(({ detail }) => detail).join("; ") };
}

async function missingImage({ stack, signal }: CommandContext, { pull }: DockerConfig, image: string): Promise<Finding> {
  if (pull === "never") {
    const { message, hint } = imageMissing(stack, image);
    return failed(message, hint);
  }
  const answer = await endDocker(["manifest", "inspect", image], { timeoutMs: REGISTRY_TIMEOUT_MS, signal }).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === dockerTimeout("", 0).code) return { exitCode: 1, stdout: "", stderr: `no answer within ${REGISTRY_TIMEOUT_MS / 1000} s` };
    throw error;
  });
  if (answer.exitCode === 0) return warning(`${image} is not here, and its registry has it`, `docker pull ${image} (npx bulkhead up does it too)`);
  const said = redact(answer.stderr).trim().split("\n")[0]!.slice(0, 300);
  const isFromHub = !/^[^/]*[.:][^/]*\//.test(image) && !image.startsWith("localhost/");
  if (/denied|unauthori[sz]ed|authentication required|forbidden/i.test(said)) return failed(`${image} is not here, and its registry does not give it to you: ${said}`, `docker login${isFromHub ? "" : ` ${image.split("/")[0]!}`}; then docker pull ${image}`);
  if (/manifest unknown|no such manifest|not found|name unknown/i.test(said)) return failed(`${image} is not here, and its registry has none of that name and tag: ${said}`, "set another with pulumi config set --path 'bulkhead:images.<server>'; npx bulkhead doctor again");
  return failed(`${image} is not here, and its registry cannot be reached: ${said}`, `take it from a mirror: ${setCommand("images.registry", "MIRROR/PATH", stack)}; or bring it as a file (docker save on a machine that has it, docker load here) and ${setCommand("images.pull", "never", stack)}`);
}

/** Whether everybody who works on the stack gets the same images. */
export async function pins({ stack, catalog, signal }: CommandContext, { images: names }: DockerConfig): Promise<Finding> {
  const loose = serversOf(catalog()).filter((server) => imageParts(names[server]).digest === undefined);
  if (loose.length === 0) return passed("all of them");
  const lines = await Promise.all(
    loose.map(async (server) => {
      const image = names[server];
      const { name } = imageParts(image);
      const digest = (await inspectImage(image, signal))?.digests.find((entry) => imageParts(entry).name === name);
      return digest === undefined ? [] : [setCommand(`images.${server}`, `${image}@${imageParts(digest).digest!}`, stack)];
    }),
  );
  const known = lines.flat();
  const detail = `a tag can mean another image tomorrow: ${loose.map((server) => names[server]).join(", ")}`;
  if (known.length === 0) return passed(`${detail}; which digest it means shows when a registry's is here`);
  return warning(detail, known.join("\n"));
}
