import { readFileSync, rmSync, writeFileSync } from "node:fs";

import { readBackupCertificate } from "../../../components/gcp/edge/backup-certificate";
import { certificateFiles, DAY_MS } from "./edge-certificate";

const DOMAINS = ["example.com", "www.example.com"];

describe("the backup certificate", () => {
  const folders: string[] = [];
  const files = async (options: Parameters<typeof certificateFiles>[0]): ReturnType<typeof certificateFiles> => {
    const made = await certificateFiles(options);
    folders.push(made.folder);
    return made;
  };
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  it("is taken when it is for all hosts, lasts, and has a long RSA key of its own", async () => {
    const good = await files({ domains: DOMAINS });
    expect(readBackupCertificate(good, DOMAINS, Date.now())).toEqual({ certificatePem: readFileSync(good.certificateFile, "utf8"), privateKeyPem: readFileSync(good.privateKeyFile, "utf8") });
  });

  it("is taken when it has wildcards that match", async () => {
    const good = await files({ domains: ["example.com", "*.example.com"] });
    expect(() => readBackupCertificate(good, DOMAINS, Date.now())).not.toThrow();
  });

  it.each([
    ["not for a host", { domains: ["example.com"] }, /it is not for www\.example\.com/],
    ["an RSA key that is short", { domains: DOMAINS, bits: 2048 }, /RSA key of 2048 bits, and the load balancer would serve it before the managed one/],
    ["an elliptic key", { domains: DOMAINS, curve: true }, /of the type ec/],
    ["nearly over", { domains: DOMAINS, days: 10 }, /it expires in 9|it expires in 10/],
    ["over", { domains: DOMAINS, days: 30, now: Date.now() - 60 * DAY_MS }, /it expired on/],
    ["not valid yet", { domains: DOMAINS, days: 90, now: Date.now() + 5 * DAY_MS }, /it is valid from/],
  ])("is refused when it is %s", async (_what, options, message) => {
    const bad = await files(options);
    expect(() => readBackupCertificate(bad, DOMAINS, Date.now())).toThrow(expect.objectContaining({ code: "BACKUP_CERTIFICATE_INVALID", message: expect.stringMatching(message) as string }) as Error);
  });

  it("is refused with the key of another, and everything that is wrong is said at once", async () => {
    const bad = { ...(await files({ domains: ["example.com"], days: 3 })), privateKeyFile: (await files({ domains: DOMAINS })).privateKeyFile };
    expect(() => readBackupCertificate(bad, DOMAINS, Date.now())).toThrow(/(?=[^]*www\.example\.com)(?=[^]*it expires in)(?=[^]*is another certificate's)/);
  });

  it("is refused when a file is missing or holds something else, and no line of the key is shown", async () => {
    const good = await files({ domains: DOMAINS });
    expect(() => readBackupCertificate({ ...good, certificateFile: "/nonexistent.pem" }, DOMAINS, Date.now())).toThrow(/cannot read \/nonexistent\.pem \(ENOENT\)/);
    const lines = readFileSync(good.privateKeyFile, "utf8").split("\n");
    writeFileSync(good.privateKeyFile, lines.slice(0, 4).join("\n"));
    const message = ((): string => {
      try {
        readBackupCertificate(good, DOMAINS, Date.now());
      } catch (error) {
        return String(error);
      }
      return "";
    })();
    expect(message).toMatch(/holds no private key in PEM/);
    for (const line of lines.slice(1, 4)) expect(message).not.toContain(line);
  });
});
