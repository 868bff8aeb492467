import { formatDuration } from "../../provider/docker/durations";
import type { Value, Values } from "../../provider/property-values";

const MEGABYTE = 1024 * 1024;

/** What is read of the engine's answer. */
export interface ContainerJson {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Running: boolean; readonly ExitCode: number; readonly Health?: { readonly Status: string } | null };
  readonly Config: {
    readonly Hostname: string;
    readonly Domainname: string;
    readonly User: string;
    readonly Cmd: readonly string[] | null;
    readonly Entrypoint: readonly string[] | null;
    readonly WorkingDir: string;
    readonly Tty: boolean;
    readonly OpenStdin: boolean;
    readonly StopSignal?: string;
    readonly StopTimeout?: number;
    readonly Healthcheck?: { readonly Test?: readonly string[]; readonly Interval?: number; readonly Timeout?: number; readonly StartPeriod?: number; readonly Retries?: number };
  };
  readonly HostConfig: {
    readonly AutoRemove: boolean;
    readonly ReadonlyRootfs: boolean;
    readonly Privileged: boolean;
    readonly PublishAllPorts: boolean;
    readonly RestartPolicy: { readonly Name: string; readonly MaximumRetryCount: number };
    readonly Init?: boolean | null;
    readonly CapAdd: readonly string[] | null;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Mounts?: readonly { Type: string; Source?: string; Target: string; ReadOnly?: boolean; BindOptions?: { Propagation?: string }; TmpfsOptions?: { SizeBytes?: number; Mode?: number }; VolumeOptions?: { NoCopy?: boolean } }[];
    readonly Tmpfs?: Readonly<Record<string, string>>;
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly MemoryReservation: number;
    readonly ShmSize: number;
    readonly CpuShares: number;
    readonly CpuPeriod: number;
    readonly CpuQuota: number;
    readonly CpusetCpus: string;
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> | null };
    readonly NetworkMode: string;
    readonly IpcMode: string;
    readonly Sysctls?: Readonly<Record<string, string>>;
    readonly GroupAdd: readonly string[] | null;
    readonly Runtime: string;
  };
  readonly NetworkSettings: {
    readonly Bridge: string;
    /** Of a container that does not run: none. */
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>> | null;
    readonly Networks: Readonly<Record<string, { IPAddress: string; IPPrefixLen: number; Gateway: string; MacAddress: string }>>;
  };
}

/**
 * A container as the provider reads it. Not read are variables and labels, which are partly the image's, volumes and the networks that it was connected
 * to. Of a container that does not run, the engine tells no ports, so a refresh finds them gone (kreuzwerker/terraform-provider-docker, issue 77); and
 * that it is to run is taken back, so that the next deployment starts it.
 */
export function containerOutputs(container: ContainerJson, inputs: Values): Values {
  const { Config: config, HostConfig: host, NetworkSettings: network, State: state } = container;
  return {
    name: container.Name.replace(/^\//, ""),
    image: container.Image,
    mustRun: inputs["mustRun"] !== false && (state.Running || inputs["start"] === false),
    exitCode: state.Running ? 0 : state.ExitCode,
    hostname: config.Hostname,
    domainname: config.Domainname,
    user: config.User,
    command: [...(config.Cmd ?? [])],
    entrypoints: [...(config.Entrypoint ?? [])],
    workingDir: config.WorkingDir,
    tty: config.Tty,
    stdinOpen: config.OpenStdin,
    stopSignal: config.StopSignal ?? "",
    stopTimeout: config.StopTimeout ?? 0,
    ...(config.Healthcheck === undefined ? {} : { healthcheck: healthcheck(config.Healthcheck) }),
    rm: host.AutoRemove,
    readOnly: host.ReadonlyRootfs,
    privileged: host.Privileged,
    publishAllPorts: host.PublishAllPorts,
    restart: host.RestartPolicy.Name,
    maxRetryCount: host.RestartPolicy.MaximumRetryCount,
    init: host.Init ?? false,
    ...((host.CapAdd ?? []).length + (host.CapDrop ?? []).length > 0 ? { capabilities: { adds: [...(host.CapAdd ?? [])], drops: [...(host.CapDrop ?? [])] } } : {}),
    securityOpts: [...(host.SecurityOpt ?? [])],
    mounts: (host.Mounts ?? []).map(mount),
    tmpfs: { ...host.Tmpfs },
    memory: host.Memory / MEGABYTE,
    memorySwap: host.MemorySwap > 0 ? host.MemorySwap / MEGABYTE : host.MemorySwap,
    memoryReservation: host.MemoryReservation / MEGABYTE,
    shmSize: host.ShmSize / MEGABYTE,
    cpuShares: host.CpuShares,
    cpuPeriod: host.CpuPeriod,
    cpuQuota: host.CpuQuota,
    cpuSet: host.CpusetCpus,
    logDriver: host.LogConfig.Type,
    logOpts: { ...host.LogConfig.Config },
    networkMode: host.NetworkMode,
    ipcMode: host.IpcMode,
    sysctls: { ...host.Sysctls },
    groupAdds: [...(host.GroupAdd ?? [])],
    runtime: host.Runtime,
    bridge: network.Bridge,
    ports: ports(network.Ports ?? {}),
    networkDatas: Object.entries(network.Networks).map(([networkName, data]) => ({ networkName, ipAddress: data.IPAddress, ipPrefixLength: data.IPPrefixLen, gateway: data.Gateway, macAddress: data.MacAddress, globalIpv6Address: "", globalIpv6PrefixLength: 0, ipv6Gateway: "" })),
  };
}

function healthcheck({ Test = [], Interval = 0, Timeout = 0, StartPeriod = 0, Retries = 0 }: NonNullable<ContainerJson["Config"]["Healthcheck"]>): Value {
  return { tests: [...Test], interval: formatDuration(Interval), timeout: formatDuration(Timeout), startPeriod: formatDuration(StartPeriod), startInterval: "0s", retries: Retries };
}

function mount({ Type, Source = "", Target, ReadOnly = false, BindOptions, TmpfsOptions, VolumeOptions }: NonNullable<ContainerJson["HostConfig"]["Mounts"]>[number]): Value {
  return {
    type: Type,
    source: Source,
    target: Target,
    readOnly: ReadOnly,
    ...(BindOptions === undefined ? {} : { bindOptions: { propagation: BindOptions.Propagation ?? "" } }),
    ...(TmpfsOptions === undefined ? {} : { tmpfsOptions: { sizeBytes: TmpfsOptions.SizeBytes ?? 0, mode: TmpfsOptions.Mode ?? 0 } }),
    ...(VolumeOptions === undefined ? {} : { volumeOptions: { noCopy: VolumeOptions.NoCopy ?? false } }),
  };
}

/** In the order of their numbers, whatever order the program gave them in. */
function ports(bindings: NonNullable<ContainerJson["NetworkSettings"]["Ports"]>): Value {
  return Object.entries(bindings)
    .map(([key, each]) => ({ internal: Number(key.split("/")[0]), protocol: key.split("/")[1]!, each: each ?? [] }))
    .sort((a, b) => a.internal - b.internal)
    .flatMap(({ internal, protocol, each }) => each.map(({ HostIp, HostPort }) => ({ internal, external: Number(HostPort), ip: HostIp, protocol })));
}
