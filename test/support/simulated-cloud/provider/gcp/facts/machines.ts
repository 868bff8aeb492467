import type { PackageFacts } from "../../resource-facts";
import { iamMember, regionalCompute, zonalCompute } from "./forms";

const INSTANCE = "gcp:compute/instance:Instance";
const DISK = "gcp:compute/disk:Disk";
const RESOURCE_POLICY = "gcp:compute/resourcePolicy:ResourcePolicy";
const DISK_MODES = ["READ_WRITE", "READ_ONLY"];
const DISK_BUSES = ["SCSI", "NVME"];

/** Virtual machines and their disks. */
export const machineFacts: PackageFacts = {
  [INSTANCE]: zonalCompute("instances", {
    immutable:
      "advancedMachineFeatures.enableUefiNetworking attachedDisks.forceAttach bootDisk confidentialInstanceConfig eraseWindowsVssSignature guestAccelerators hostname instanceEncryptionKey keyRevocationActionType networkInterfaces networkPerformanceConfig reservationAffinity scheduling.localSsdRecoveryTimeout scheduling.maxRunDuration scheduling.onInstanceStopAction scheduling.preemptible scheduling.provisioningModel scheduling.terminationTime scratchDisks workloadIdentityConfig",
    mutable:
      // Of the boot disk, and what the API puts in by itself.
      "bootDisk.autoDelete bootDisk.interface bootDisk.diskEncryptionKeySha256 bootDisk.initializeParams.size bootDisk.initializeParams.labels bootDisk.initializeParams.sourceImageEncryptionKey.sha256 bootDisk.initializeParams.sourceSnapshotEncryptionKey.sha256 " +
      "confidentialInstanceConfig.confidentialInstanceType confidentialInstanceConfig.enableConfidentialCompute instanceEncryptionKey.sha256 scratchDisks.deviceName scratchDisks.interface " +
      // An interface can be moved to another network while the machine is stopped.
      "networkInterfaces.accessConfigs networkInterfaces.aliasIpRanges networkInterfaces.aliasIpv6Ranges networkInterfaces.igmpQuery networkInterfaces.internalIpv6PrefixLength networkInterfaces.ipv6AccessConfigs.networkTier networkInterfaces.ipv6AccessConfigs.publicPtrDomainName networkInterfaces.ipv6AccessConfigs.securityPolicy networkInterfaces.ipv6AccessType networkInterfaces.ipv6Address networkInterfaces.macAddress networkInterfaces.name networkInterfaces.network networkInterfaces.networkIp networkInterfaces.parentNicName networkInterfaces.securityPolicy networkInterfaces.stackType networkInterfaces.subnetwork networkInterfaces.subnetworkProject",
    enums: {
      "attachedDisks[].mode": DISK_MODES,
      "bootDisk.mode": DISK_MODES,
      "bootDisk.interface": DISK_BUSES,
      "bootDisk.initializeParams.architecture": ["X86_64", "ARM64"],
      "scratchDisks[].interface": DISK_BUSES,
      desiredStatus: ["RUNNING", "TERMINATED", "SUSPENDED"],
      keyRevocationActionType: ["STOP", "NONE"],
      "networkInterfaces[].nicType": ["GVNIC", "VIRTIO_NET", "IDPF", "MRDMA", "IRDMA"],
      "networkInterfaces[].stackType": ["IPV4_ONLY", "IPV4_IPV6", "IPV6_ONLY"],
      "networkPerformanceConfig.totalEgressBandwidthTier": ["TIER_1", "DEFAULT"],
      "reservationAffinity.type": ["ANY_RESERVATION", "SPECIFIC_RESERVATION", "NO_RESERVATION"],
      "scheduling.nodeAffinities[].operator": ["IN", "NOT_IN"],
    },
    conflicts: ["bootDisk.source bootDisk.initializeParams", "bootDisk.kmsKeySelfLink bootDisk.diskEncryptionKeyRaw bootDisk.diskEncryptionKeyRsa"],
    ranges: { "networkInterfaces[].vlan": [2, 255] },
    defaults: {
      "attachedDisks[].mode": "READ_WRITE",
      "bootDisk.autoDelete": true,
      "bootDisk.mode": "READ_WRITE",
      canIpForward: false,
      deletionProtection: false,
      "scheduling.automaticRestart": true,
      "scheduling.preemptible": false,
      "shieldedInstanceConfig.enableIntegrityMonitoring": true,
      "shieldedInstanceConfig.enableSecureBoot": false,
      "shieldedInstanceConfig.enableVtpm": true,
    },
    references: {
      "attachedDisks[].source": DISK,
      "bootDisk.source": DISK,
      "bootDisk.kmsKeySelfLink": "gcp:kms/cryptoKey:CryptoKey",
      "networkInterfaces[].network": "gcp:compute/network:Network",
      "networkInterfaces[].subnetwork": "gcp:compute/subnetwork:Subnetwork",
      "serviceAccount.email": "gcp:serviceaccount/account:Account",
    },
  }),
  [DISK]: zonalCompute("disks", {
    immutable:
      "architecture asyncPrimaryDisk description diskEncryptionKey enableConfidentialCompute eraseWindowsVssSignature guestOsFeatures image interface licenses multiWriter params physicalBlockSizeBytes resourcePolicies snapshot sourceDisk sourceImageEncryptionKey sourceInstantSnapshot sourceSnapshotEncryptionKey sourceStorageObject storagePool type",
    mutable: "diskEncryptionKey.sha256 sourceImageEncryptionKey.sha256 sourceSnapshotEncryptionKey.sha256",
    defaults: { type: "pd-standard", createSnapshotBeforeDestroy: false },
    references: { "diskEncryptionKey.kmsKeySelfLink": "gcp:kms/cryptoKey:CryptoKey" },
  }),
  [RESOURCE_POLICY]: regionalCompute("resourcePolicies", {
    immutable: "diskConsistencyGroupPolicy groupPlacementPolicy.gpuTopology groupPlacementPolicy.tpuTopology workloadPolicy",
    // The provider tries; the API has no way to rename one.
    mutable: "name",
    conflicts: [
      "diskConsistencyGroupPolicy groupPlacementPolicy instanceSchedulePolicy snapshotSchedulePolicy",
      "groupPlacementPolicy.gpuTopology groupPlacementPolicy.maxDistance",
      "workloadPolicy.maxTopologyDistance workloadPolicy.acceleratorTopology",
      "workloadPolicy.maxTopologyDistance workloadPolicy.acceleratorTopologyMode",
    ],
    exactlyOne: ["snapshotSchedulePolicy.schedule.hourlySchedule snapshotSchedulePolicy.schedule.dailySchedule snapshotSchedulePolicy.schedule.weeklySchedule"],
    items: { "snapshotSchedulePolicy.schedule.weeklySchedule.dayOfWeeks": [1, 7] },
    defaults: { "snapshotSchedulePolicy.retentionPolicy.onSourceDiskDelete": "KEEP_AUTO_SNAPSHOTS" },
  }),
  "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment": {
    id: "{project}/{zone}/{disk:last}/{name}",
    autonameMax: 63,
    immutable: "disk name project zone",
    references: { disk: DISK, name: RESOURCE_POLICY },
  },
  "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember": iamMember("projects/{project}/iap_tunnel/zones/{zone}/instances/{instance:last}", "instance project zone", { instance: INSTANCE }),
};
