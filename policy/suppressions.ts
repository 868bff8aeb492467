/** A check of a scanner, or a row of the acceptance table, that the tier does not pass on purpose. */
export interface Suppression {
  /** The check's id as its scanner prints it. */
  readonly id: string;
  /** Why it is not wanted, and what stands in its place. */
  readonly reason: string;
}

/** Read by the exporter's scanner run and by COMPLIANCE.md; nothing else may fail. */
export const suppressions: readonly Suppression[] = [
  {
    id: "CKV_GCP_6",
    reason: "It accepts only client certificates, of which an instance holds ten at most: too few for three logins a service. Connections are refused without TLS (ENCRYPTED_ONLY), clients verify the server's name and chain (verify-full), and each login has a SCRAM password of its own.",
  },
  {
    id: "KICS sql_db_instance_with_ssl_disabled",
    reason: "It reads the property that sslMode has replaced (requireSsl), which the provider no longer takes; sslMode is ENCRYPTED_ONLY.",
  },
  {
    id: "CKV_GCP_79",
    reason: "It accepts only the newest major version, POSTGRES_18. The tier runs the major that the laptop and every test run, 17, which Postgres' developers support until November 2029; bulkhead:sql.version changes it.",
  },
  {
    id: "CKV_GCP_108",
    reason: "log_hostname looks every client's address up in DNS while it connects. Clients are Cloud Run instances, whose private addresses have no name, so that it costs time and tells nothing.",
  },
  {
    id: "CKV2_GCP_13",
    reason: "log_duration writes a line for every statement; CIS dropped it after version 1.2. Query Insights records durations without it.",
  },
  {
    id: "binary authorization",
    reason: "Cloud Run's binaryAuthorization needs attestors of the project's own, which the tier does not make. Every image is pinned by its digest instead.",
  },
];
