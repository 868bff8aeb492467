/** What a server's `redis.conf` says that is not the same everywhere. Paths as the server sees them. */
export interface RedisConfOptions {
  /** Of TLS; there is no other. */
  readonly port: number;
  /** Addresses to listen on, e.g. `127.0.0.1` and `::1`; `*` for all. One with a `-` before it may be missing on the machine. */
  readonly bind: readonly string[];
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly aclFile: string;
  /** Where the data are kept. */
  readonly dataFolder: string;
  /** For data, buffers and scripts together; the process takes more. */
  readonly maxMemoryBytes: number;
  /** Default: the standard output. */
  readonly logFile?: string;
}

/**
 * The whole `redis.conf`, for Redis 7.0 and later.
 *
 * Data survive a restart (append-only file, flushed every second). A full Redis refuses writes and evicts nothing: whose key went would be decided by who writes most, so one service would make another lose its
 * sessions and queues without anybody's noticing. Logs hold no data: crash reports would.
 */
export function renderRedisConf({ port, bind, certificateFile, keyFile, aclFile, dataFolder, maxMemoryBytes, logFile = "" }: RedisConfOptions): string {
  const settings: readonly (readonly [string, ...(string | number)[]])[] = [
    ["port", 0],
    ["tls-port", port],
    ["bind", ...bind],
    ["tls-cert-file", certificateFile],
    ["tls-key-file", keyFile],
    // Clients prove themselves by password.
    ["tls-auth-clients", "no"],
    ["tls-protocols", "TLSv1.2 TLSv1.3"],
    ["aclfile", aclFile],
    // Refuses the network should somebody give `default` no password by hand.
    ["protected-mode", "yes"],
    ["enable-debug-command", "no"],
    ["enable-module-command", "no"],
    ["enable-protected-configs", "no"],
    ["dir", dataFolder],
    ["appendonly", "yes"],
    ["appendfsync", "everysec"],
    ["save", ""],
    ["maxmemory", maxMemoryBytes],
    ["maxmemory-policy", "noeviction"],
    // A client that does not read its answers is cut before it takes everybody's memory.
    ["maxmemory-clients", "25%"],
    ["tcp-keepalive", 60],
    ["daemonize", "no"],
    ["logfile", logFile],
    ["loglevel", "notice"],
    ["crash-log-enabled", "no"],
    ["crash-memcheck-enabled", "no"],
    ["set-proc-title", "no"],
  ];
  return settings.map(([name, ...values]) => `${name} ${values.map(quoted).join(" ")}\n`).join("");
}

/** As Redis' own parser of lines takes it, whatever is in a path. */
function quoted(value: string | number): string {
  if (typeof value === "number" || /^[\w./:*%-]+$/.test(value)) return String(value);
  return `"${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r")}"`;
}
