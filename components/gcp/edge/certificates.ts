import { Certificate } from "@pulumi/gcp/certificatemanager/certificate";
import { CertificateMap } from "@pulumi/gcp/certificatemanager/certificateMap";
import { CertificateMapEntry } from "@pulumi/gcp/certificatemanager/certificateMapEntry";
import { DnsAuthorization } from "@pulumi/gcp/certificatemanager/dnsAuthorization";
import { all, ComponentResource, interpolate, secret } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";

import type { BackupCertificate } from "./backup-certificate";
import { childOptions } from "../child-options";
import { labelsOf } from "../labels";

/** A record to create in the public zone of a domain, wherever that is kept. */
export interface DnsRecord {
  /** With a dot at its end. */
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

export interface CertificatesArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly domains: readonly string[];
  /** The second certificate, for all domains; null while there is none, and then there is nothing to fail over to. */
  readonly backup: BackupCertificate | null;
  /** `managed`, or `backup` when the managed ones did not renew: then they are served no more. */
  readonly served: "managed" | "backup";
}

/**
 * Two certificates from independent sources for each domain, both in place, and which of them is served.
 *
 * The first is Google's (Certificate Manager, from Google Trust Services, or Let's Encrypt where that refuses), renewed by itself about a month before its end, as long as the
 * `_acme-challenge` record of `dnsRecords` stays. Each domain has its own, so that one domain whose DNS is broken does not keep the others from theirs. The second
 * is yours, from another authority, renewed by you.
 *
 * What Google does with both in one map entry: it picks by what the client can do, ECDSA before RSA, then the smaller one; an entry's certificate that is not issued yet is passed over. Whether a
 * certificate has expired is no part of that. Hence:
 * - The backup has to be RSA with a longer key than the managed one's 2048 bits, and stands by.
 * - Until the managed one is issued, and wherever it cannot be, the backup is served, with nobody doing anything.
 * - A managed one that does not renew is served until its end *and after it*. Two alerts come first: 14 days before, from what the uptime check sees served, and
 *   10 to 5 days before, from Certificate Manager's log. Then `served` set to `backup`, and `up`, or without Pulumi
 *   `gcloud certificate-manager maps entries update <entry> --map=<map> --certificates=<backup>`; it takes minutes.
 *
 * The backup's private key is in Pulumi's state, encrypted as every secret there; Google never gives it back. New files are taken over in place by the next `up`. A hundred certificates
 * are free.
 */
export class Certificates extends ComponentResource {
  /** What the HTTPS proxy takes for `certificateMap`. */
  readonly map: Output<string>;
  /** Records that let Google renew; they stay for good. */
  readonly dnsRecords: Output<readonly DnsRecord[]>;

  constructor(name: string, args: CertificatesArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:Certificates", name, {}, options);
    const { stack, domains, backup, served } = args;
    if (backup === null && served === "backup") throw new Error("there is no backup certificate to serve");
    const child = childOptions(this, options);
    const labels = labelsOf(stack);

    const map = new CertificateMap(name, { description: `Bulkhead stack ${stack}`, labels }, child);
    const standby = backup === null ? [] : [backupCertificate(`${name}-backup`, backup, labels, child)];
    const records = domains.map((domain) => {
      const suffix = domain.replaceAll(".", "-");
      const authorization = new DnsAuthorization(`${name}-${suffix}`, { domain, type: "FIXED_RECORD", labels }, child);
      const managed = new Certificate(`${name}-${suffix}`, { managed: { domains: [domain], dnsAuthorizations: [authorization.id] }, scope: "DEFAULT", labels }, child);
      const certificates = served === "backup" ? standby : [managed, ...standby];
      new CertificateMapEntry(`${name}-${suffix}`, { map: map.name, hostname: domain, certificates: certificates.map(({ id }) => id), labels }, child);
      return authorization.dnsResourceRecords.apply((found) => (found ?? []).map(({ name: host = "", type = "", data = "" }) => ({ name: host, type, data })));
    });

    this.map = interpolate`//certificatemanager.googleapis.com/${map.id}`;
    this.dnsRecords = all(records).apply((lists) => lists.flat());
    this.registerOutputs({ dnsRecords: this.dnsRecords });
  }
}

function backupCertificate(name: string, { certificatePem, privateKeyPem }: BackupCertificate, labels: Record<string, string>, child: ReturnType<typeof childOptions>): Certificate {
  return new Certificate(name, { selfManaged: { pemCertificate: certificatePem, pemPrivateKey: secret(privateKeyPem) }, scope: "DEFAULT", labels }, child);
}
