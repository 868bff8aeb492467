import { renderRedisConf } from "../../../manager/src/redis";
import fc from "../../support/fast-check";

const OPTIONS = { port: 6379, bind: ["127.0.0.1", "-::1"], certificateFile: "/tls/server.crt", keyFile: "/tls/server.key", aclFile: "/acl/users.acl", dataFolder: "/data", maxMemoryBytes: 256 << 20 };

it("no port but the one of TLS is open, no data are evicted or logged, and what is written survives", () => {
  expect(renderRedisConf(OPTIONS).split("\n")).toEqual(
    expect.arrayContaining(["port 0", "tls-port 6379", 'tls-protocols "TLSv1.2 TLSv1.3"', "bind 127.0.0.1 -::1", "aclfile /acl/users.acl", "maxmemory 268435456", "maxmemory-policy noeviction", "appendonly yes", "crash-log-enabled no", 'logfile ""', "protected-mode yes", "enable-debug-command no", "enable-module-command no"]),
  );
});

it("a path stays one word and one line, whatever is in it", () => {
  fc.assert(
    fc.property(fc.string(), (path) => {
      const lines = renderRedisConf({ ...OPTIONS, dataFolder: path }).split("\n");
      expect(lines).toHaveLength(renderRedisConf(OPTIONS).split("\n").length);
      const value = lines.find((line) => line.startsWith("dir "))!.slice(4);
      // Either plain, or in quotes that nothing inside closes.
      expect(value).toMatch(/^(?:[\w./:*%-]+|"(?:[^"\\\n]|\\.)*")$/);
    }),
  );
});
