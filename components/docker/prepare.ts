import { ensureRedisAdmin } from "../../manager/src/redis/admin";
import { readJsonSecret, writeSecretFile } from "../../manager/src/secrets/file-store";
import { parseStoreSecret } from "../../manager/src/stores/store-secret";
import { ensureTls, readTls } from "../certificates/tls-files";
import type { TlsFiles } from "../certificates/tls-files";
import type { TierContext } from "../tier";
import { makeDirectory } from "../write-file";
import type { DockerConfig } from "./config";
import { CERTIFICATE_NAMES } from "./names";
import { dockerPaths } from "./paths";
import type { DockerPaths } from "./paths";
import type { ServerSpec } from "./server-container";
import { closedDirectory, writeConfigFolder } from "./write-config";

/**
 * Writes what the servers' containers mount: certificates, configurations, folders of users. Everything has to be there before a container is made, since
 * Docker makes a folder of its own, root's, of what it does not find. Repeatable; what is right already stays untouched.
 *
 * @throws BulkheadError what `ensureRedisAdmin` throws
 */
export async function writeServerFiles(context: Pick<TierContext, "root" | "stack" | "progress">, specs: readonly ServerSpec[], config: DockerConfig): Promise<TlsFiles> {
  const paths = dockerPaths(context);
  closedDirectory(paths.directory);
  const tls = await ensureTls({ ...CERTIFICATE_NAMES, directory: paths.tls, progress: context.progress });
  for (const { server, files } of specs) {
    writeConfigFolder(paths.config[server], files);
    if (server !== "postgres") makeDirectory(paths.users[server], { mode: 0o755 });
    // Redis starts with no file of users only as one that everybody may use.
    if (server === "redis") await writeRedisAdmin(paths, { host: "localhost", port: config.redis.port, ca: tls.ca }, context.progress);
  }
  return tls;
}

/** The certificate that the containers have, for a preview, which makes none. */
export function presentCertificate(paths: DockerPaths): string | undefined {
  return readTls(paths.tls, CERTIFICATE_NAMES)?.certificate;
}

async function writeRedisAdmin({ aclFile, redisAdminSecret }: DockerPaths, endpoint: { host: string; port: number; ca: string }, progress: (line: string) => void): Promise<void> {
  await ensureRedisAdmin({
    endpoint,
    aclPath: aclFile,
    readSecret: () => readJsonSecret(redisAdminSecret, parseStoreSecret, progress),
    writeSecret: (secret) => writeSecretFile(redisAdminSecret, secret),
  });
}
