import type { Rule } from "../rule";
import { auditAllServices } from "./audit/audit-all-services";
import { auditChangesAlerted } from "./audit/audit-changes-alerted";
import { edgeTlsPolicy } from "./edge/edge-tls-policy";
import { edgeUsesTlsPolicy } from "./edge/edge-uses-tls-policy";
import { federationCondition } from "./iam/federation-condition";
import { iamNoAccountKeys } from "./iam/iam-no-account-keys";
import { iamNoBroadRoles } from "./iam/iam-no-broad-roles";
import { iamNoDefaultAccount } from "./iam/iam-no-default-account";
import { iamNoImpersonation } from "./iam/iam-no-impersonation";
import { iamNoSinglePeople } from "./iam/iam-no-single-people";
import { iamNotPublic } from "./iam/iam-not-public";
import { iamSeparateDuties } from "./iam/iam-separate-duties";
import { keyNotPublic } from "./keys/key-not-public";
import { keyProtected } from "./keys/key-protected";
import { keyRotation } from "./keys/key-rotation";
import { machineDeletionProtection } from "./machines/machine-deletion-protection";
import { machineNoForwarding } from "./machines/machine-no-forwarding";
import { machineNoProjectKeys } from "./machines/machine-no-project-keys";
import { machineNoPublicAddress } from "./machines/machine-no-public-address";
import { machineOwnAccount } from "./machines/machine-own-account";
import { machineShielded } from "./machines/machine-shielded";
import { connectorExplicitSizes } from "./network/connector-explicit-sizes";
import { firewallDatabasePorts } from "./network/firewall-database-ports";
import { firewallLogging } from "./network/firewall-logging";
import { firewallNamesPorts } from "./network/firewall-names-ports";
import { firewallNarrowPortRanges } from "./network/firewall-narrow-port-ranges";
import { firewallNoOpenEgress } from "./network/firewall-no-open-egress";
import { firewallNoOpenIngress } from "./network/firewall-no-open-ingress";
import { networkCustomSubnets } from "./network/network-custom-subnets";
import { networkDeniesByDefault } from "./network/network-denies-by-default";
import { networkDnsLogging } from "./network/network-dns-logging";
import { projectNoDefaultNetwork } from "./network/project-no-default-network";
import { subnetFlowLogs } from "./network/subnet-flow-logs";
import { subnetIpv6GoogleAccess } from "./network/subnet-ipv6-google-access";
import { subnetPrivateGoogleAccess } from "./network/subnet-private-google-access";
import { subnetPrivateRange } from "./network/subnet-private-range";
import { redisCustomerManagedKey } from "./redis/redis-customer-managed-key";
import { redisDeletionProtection } from "./redis/redis-deletion-protection";
import { redisHighAvailability } from "./redis/redis-high-availability";
import { redisMaintenanceWindow } from "./redis/redis-maintenance-window";
import { redisPassword } from "./redis/redis-password";
import { redisPersistence } from "./redis/redis-persistence";
import { redisPrivateConnection } from "./redis/redis-private-connection";
import { redisTls } from "./redis/redis-tls";
import { runAccountsNotShared } from "./run/run-accounts-not-shared";
import { runBoundedInstances } from "./run/run-bounded-instances";
import { runCallersChecked } from "./run/run-callers-checked";
import { runCustomerManagedKey } from "./run/run-customer-managed-key";
import { runDeletionProtection } from "./run/run-deletion-protection";
import { runInternalIngress } from "./run/run-internal-ingress";
import { runNoPlainSecrets } from "./run/run-no-plain-secrets";
import { runNotPublic } from "./run/run-not-public";
import { runOwnAccount } from "./run/run-own-account";
import { runPinnedImages } from "./run/run-pinned-images";
import { runVpcEgress } from "./run/run-vpc-egress";
import { secretAccessPerSecret } from "./secrets/secret-access-per-secret";
import { secretCustomerManagedKey } from "./secrets/secret-customer-managed-key";
import { secretDeletionProtection } from "./secrets/secret-deletion-protection";
import { secretDestroyDelay } from "./secrets/secret-destroy-delay";
import { secretLabels } from "./secrets/secret-labels";
import { secretNoValueInState } from "./secrets/secret-no-value-in-state";
import { secretNotPublic } from "./secrets/secret-not-public";
import { secretRoles } from "./secrets/secret-roles";
import { secretRotation } from "./secrets/secret-rotation";
import { sqlBackupRetention } from "./sql/sql-backup-retention";
import { sqlBackups } from "./sql/sql-backups";
import { sqlConnectorEnforcement } from "./sql/sql-connector-enforcement";
import { sqlCustomerManagedKey } from "./sql/sql-customer-managed-key";
import { sqlDeletionProtection } from "./sql/sql-deletion-protection";
import { sqlDiskLimit } from "./sql/sql-disk-limit";
import { sqlHighAvailability } from "./sql/sql-high-availability";
import { sqlIamAuthentication } from "./sql/sql-iam-authentication";
import { sqlLogsCheckpoints } from "./sql/sql-logs-checkpoints";
import { sqlLogsConnections } from "./sql/sql-logs-connections";
import { sqlLogsDisconnections } from "./sql/sql-logs-disconnections";
import { sqlLogsErrorStatements } from "./sql/sql-logs-error-statements";
import { sqlLogsErrorVerbosity } from "./sql/sql-logs-error-verbosity";
import { sqlLogsLockWaits } from "./sql/sql-logs-lock-waits";
import { sqlLogsMessages } from "./sql/sql-logs-messages";
import { sqlLogsStatements } from "./sql/sql-logs-statements";
import { sqlLogsTemporaryFiles } from "./sql/sql-logs-temporary-files";
import { sqlNoAuthorizedNetworks } from "./sql/sql-no-authorized-networks";
import { sqlNoBuiltInUsers } from "./sql/sql-no-built-in-users";
import { sqlNoPublicAddress } from "./sql/sql-no-public-address";
import { sqlNoStatementDurations } from "./sql/sql-no-statement-durations";
import { sqlNoStatisticsFlags } from "./sql/sql-no-statistics-flags";
import { sqlPasswordPolicy } from "./sql/sql-password-policy";
import { sqlPgaudit } from "./sql/sql-pgaudit";
import { sqlPointInTimeRecovery } from "./sql/sql-point-in-time-recovery";
import { sqlPrivateNetwork } from "./sql/sql-private-network";
import { sqlQueryInsights } from "./sql/sql-query-insights";
import { sqlTlsOnly } from "./sql/sql-tls-only";
import { sqlVerifiableName } from "./sql/sql-verifiable-name";
import { bucketAccessLog } from "./storage/bucket-access-log";
import { bucketCustomerManagedKey } from "./storage/bucket-customer-managed-key";
import { bucketNotPublic } from "./storage/bucket-not-public";
import { bucketPublicPrevention } from "./storage/bucket-public-prevention";
import { bucketUniformAccess } from "./storage/bucket-uniform-access";
import { bucketVersioning } from "./storage/bucket-versioning";

/** All rules, by concern. */
export const rules: readonly Rule[] = [
  sqlBackupRetention,
  sqlBackups,
  sqlConnectorEnforcement,
  sqlCustomerManagedKey,
  sqlDeletionProtection,
  sqlDiskLimit,
  sqlHighAvailability,
  sqlIamAuthentication,
  sqlLogsCheckpoints,
  sqlLogsConnections,
  sqlLogsDisconnections,
  sqlLogsErrorStatements,
  sqlLogsErrorVerbosity,
  sqlLogsLockWaits,
  sqlLogsMessages,
  sqlLogsStatements,
  sqlLogsTemporaryFiles,
  sqlNoAuthorizedNetworks,
  sqlNoBuiltInUsers,
  sqlNoPublicAddress,
  sqlNoStatementDurations,
  sqlNoStatisticsFlags,
  sqlPasswordPolicy,
  sqlPgaudit,
  sqlPointInTimeRecovery,
  sqlPrivateNetwork,
  sqlQueryInsights,
  sqlTlsOnly,
  sqlVerifiableName,
  redisCustomerManagedKey,
  redisDeletionProtection,
  redisHighAvailability,
  redisMaintenanceWindow,
  redisPassword,
  redisPersistence,
  redisPrivateConnection,
  redisTls,
  secretAccessPerSecret,
  secretCustomerManagedKey,
  secretDeletionProtection,
  secretDestroyDelay,
  secretLabels,
  secretNoValueInState,
  secretNotPublic,
  secretRoles,
  secretRotation,
  connectorExplicitSizes,
  firewallDatabasePorts,
  firewallLogging,
  firewallNamesPorts,
  firewallNarrowPortRanges,
  firewallNoOpenEgress,
  firewallNoOpenIngress,
  networkCustomSubnets,
  networkDeniesByDefault,
  networkDnsLogging,
  projectNoDefaultNetwork,
  subnetFlowLogs,
  subnetIpv6GoogleAccess,
  subnetPrivateGoogleAccess,
  subnetPrivateRange,
  runAccountsNotShared,
  runBoundedInstances,
  runCallersChecked,
  runCustomerManagedKey,
  runDeletionProtection,
  runInternalIngress,
  runNoPlainSecrets,
  runNotPublic,
  runOwnAccount,
  runPinnedImages,
  runVpcEgress,
  edgeTlsPolicy,
  edgeUsesTlsPolicy,
  machineDeletionProtection,
  machineNoForwarding,
  machineNoProjectKeys,
  machineNoPublicAddress,
  machineOwnAccount,
  machineShielded,
  federationCondition,
  iamNoAccountKeys,
  iamNoBroadRoles,
  iamNoDefaultAccount,
  iamNoImpersonation,
  iamNoSinglePeople,
  iamNotPublic,
  iamSeparateDuties,
  keyNotPublic,
  keyProtected,
  keyRotation,
  auditAllServices,
  auditChangesAlerted,
  bucketAccessLog,
  bucketCustomerManagedKey,
  bucketNotPublic,
  bucketPublicPrevention,
  bucketUniformAccess,
  bucketVersioning,
];
