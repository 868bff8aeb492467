import type { PackageFacts } from "../resource-facts";

export const NETWORK = "docker:index/network:Network";
export const VOLUME = "docker:index/volume:Volume";
export const CONTAINER = "docker:index/container:Container";
export const IMAGE = "docker:index/remoteImage:RemoteImage";

/** Longest name that the bridge makes up; Docker itself has no limit that matters. */
const NAME_MAX = 255;
/** What the engine takes for a name of a container, a network or a volume (moby: daemon/names). */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** As Go's time.ParseDuration has it; `0s` and more. */
const DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;

/** Docker's types that the simulated cloud knows: replacement, limits and defaults of the provider (kreuzwerker/terraform-provider-docker, which pulumi-docker is a bridge to). */
export const dockerFacts: PackageFacts = {
  [NETWORK]: {
    id: "{generated}",
    autonameMax: NAME_MAX,
    immutable: "attachable driver ingress internal ipamConfigs ipamDriver ipamOptions ipv6 labels name options",
    patterns: { name: NAME },
    defaults: { ipamDriver: "default" },
  },
  [VOLUME]: {
    id: "{name}",
    autonameMax: NAME_MAX,
    immutable: "cluster.group cluster.limitBytes cluster.requiredBytes cluster.scope cluster.sharing cluster.topologyPreferred cluster.topologyRequired cluster.type driver driverOpts labels name",
    patterns: { name: NAME },
  },
  [CONTAINER]: {
    id: "{generated}",
    autonameMax: NAME_MAX,
    immutable:
      "capabilities cgroupParent cgroupnsMode command cpus deviceRequests devices dns dnsOpts dnsSearches domainname entrypoints envs gpus groupAdds hostname hosts image ipcMode labels logDriver logOpts mounts name networkMode networksAdvanced pidMode platform ports privileged publishAllPorts readOnly runtime securityOpts shmSize stdinOpen stopSignal stopTimeout storageOpts sysctls tty ulimits uploads user usernsMode volumes workingDir",
    enums: {
      restart: ["no", "on-failure", "always", "unless-stopped"],
      "mounts[].type": ["bind", "volume", "tmpfs"],
      "mounts[].bindOptions.propagation": ["private", "rprivate", "shared", "rshared", "slave", "rslave"],
    },
    patterns: { name: NAME, cpuSet: /^\d+([,-]\d+)*$/, "healthcheck.interval": DURATION, "healthcheck.timeout": DURATION, "healthcheck.startPeriod": DURATION, "healthcheck.startInterval": DURATION },
    ranges: { memory: [0, 2 ** 40], memorySwap: [-1, 2 ** 40], memoryReservation: [0, 2 ** 40], shmSize: [0, 2 ** 40], cpuShares: [0, 2 ** 40], "healthcheck.retries": [0, 2 ** 31], "ports[].internal": [1, 65535], "ports[].external": [0, 65535] },
    defaults: {
      attach: false,
      containerReadRefreshTimeoutMilliseconds: 15000,
      logs: false,
      mustRun: true,
      networkMode: "bridge",
      readOnly: false,
      removeVolumes: true,
      restart: "no",
      rm: false,
      start: true,
      stdinOpen: false,
      tty: false,
      wait: false,
      waitTimeout: 60,
      "healthcheck.interval": "0s",
      "healthcheck.retries": 0,
      "healthcheck.startInterval": "0s",
      "healthcheck.startPeriod": "0s",
      "healthcheck.timeout": "0s",
      "ports[].ip": "0.0.0.0",
      "ports[].protocol": "tcp",
    },
  },
  [IMAGE]: {
    id: "sha256:{generated}{name}",
    immutable:
      "build.additionalContexts build.buildArgs build.buildId build.buildLogFile build.builder build.cacheFroms build.cacheTos build.cgroupParent build.context build.cpuPeriod build.cpuQuota build.cpuSetCpus build.cpuSetMems build.cpuShares build.dockerfile build.extraHosts build.forceRemove build.isolation build.labels build.memory build.memorySwap build.networkMode build.noCache build.platform build.provenance build.pullParent build.remoteContext build.sbom build.secrets[].env build.secrets[].id build.secrets[].src build.securityOpts build.sessionId build.shmSize build.squash build.suppressOutput build.target build.ulimits[].hard build.ulimits[].name build.ulimits[].soft build.useLegacyBuilder build.version name platform pullTriggers triggers",
  },
};
