import { parseDuration } from "../../provider/docker/durations";
import { isObject } from "../../provider/property-values";
import type { Value, Values } from "../../provider/property-values";
import { labelMap, list, number, text, textMap, texts } from "./values";

const MEGABYTE = 1024 * 1024;

/** The provider's properties of a container as the Engine API has them. What is not here is refused, rather than left out. */
export function creationRequest(inputs: Values): object {
  const unknown = Object.keys(inputs).filter((name) => !KNOWN.has(name));
  if (unknown.length > 0) throw new Error(`the simulated provider does not know what to do with ${unknown.join(", ")} of a container`);
  const ports = list(inputs["ports"]).map((port) => ({ key: `${number(port["internal"])}/${text(port["protocol"])}`, binding: { HostIp: text(port["ip"]), HostPort: port["external"] === undefined ? "" : String(number(port["external"])) } }));
  const { add, drop } = capabilities(inputs["capabilities"]);
  return {
    Image: inputs["image"],
    Hostname: text(inputs["hostname"]),
    Domainname: text(inputs["domainname"]),
    User: text(inputs["user"]),
    Env: texts(inputs["envs"]),
    Tty: inputs["tty"] === true,
    OpenStdin: inputs["stdinOpen"] === true,
    ...(inputs["command"] === undefined ? {} : { Cmd: texts(inputs["command"]) }),
    ...(inputs["entrypoints"] === undefined ? {} : { Entrypoint: texts(inputs["entrypoints"]) }),
    WorkingDir: text(inputs["workingDir"]),
    Labels: labelMap(inputs["labels"]),
    ExposedPorts: Object.fromEntries(ports.map(({ key }) => [key, {}])),
    ...(inputs["stopSignal"] === undefined ? {} : { StopSignal: text(inputs["stopSignal"]) }),
    ...(inputs["stopTimeout"] === undefined ? {} : { StopTimeout: number(inputs["stopTimeout"]) }),
    ...(isObject(inputs["healthcheck"]) ? { Healthcheck: healthcheck(inputs["healthcheck"]) } : {}),
    HostConfig: {
      NetworkMode: text(inputs["networkMode"]),
      RestartPolicy: { Name: text(inputs["restart"]), MaximumRetryCount: number(inputs["maxRetryCount"]) },
      AutoRemove: inputs["rm"] === true,
      Privileged: inputs["privileged"] === true,
      ReadonlyRootfs: inputs["readOnly"] === true,
      PublishAllPorts: inputs["publishAllPorts"] === true,
      PortBindings: Object.fromEntries(ports.map(({ key }) => [key, ports.filter((other) => other.key === key).map(({ binding }) => binding)])),
      Mounts: list(inputs["mounts"]).map(mount),
      Binds: list(inputs["volumes"]).map((volume) => `${text(volume["volumeName"]) || text(volume["hostPath"])}:${text(volume["containerPath"])}:${volume["readOnly"] === true ? "ro" : "rw"}`),
      Tmpfs: textMap(inputs["tmpfs"]),
      CapAdd: add,
      CapDrop: drop,
      SecurityOpt: texts(inputs["securityOpts"]),
      GroupAdd: texts(inputs["groupAdds"]),
      ExtraHosts: list(inputs["hosts"]).map((host) => `${text(host["host"])}:${text(host["ip"])}`),
      Ulimits: list(inputs["ulimits"]).map((limit) => ({ Name: text(limit["name"]), Soft: number(limit["soft"]), Hard: number(limit["hard"]) })),
      Sysctls: textMap(inputs["sysctls"]),
      Init: inputs["init"] === true,
      IpcMode: text(inputs["ipcMode"]),
      LogConfig: { Type: text(inputs["logDriver"]), Config: textMap(inputs["logOpts"]) },
      Memory: memoryBytes(inputs["memory"]),
      MemorySwap: memoryBytes(inputs["memorySwap"]),
      MemoryReservation: memoryBytes(inputs["memoryReservation"]),
      ShmSize: memoryBytes(inputs["shmSize"]),
      CpuShares: number(inputs["cpuShares"]),
      CpuPeriod: number(inputs["cpuPeriod"]),
      CpuQuota: number(inputs["cpuQuota"]),
      CpusetCpus: text(inputs["cpuSet"]),
      NanoCpus: Math.round(Number(text(inputs["cpus"]) || "0") * 1e9),
    },
  };
}

/** What `creationRequest`, or somebody else, does something with. */
const KNOWN = new Set(
  "attach capabilities command containerReadRefreshTimeoutMilliseconds cpuPeriod cpuQuota cpuSet cpuShares cpus destroyGraceSeconds domainname entrypoints envs groupAdds healthcheck hostname hosts image init ipcMode labels logDriver logOpts logs maxRetryCount memory memoryReservation memorySwap mounts mustRun name networkMode networksAdvanced ports privileged publishAllPorts readOnly removeVolumes restart rm securityOpts shmSize start stdinOpen stopSignal stopTimeout sysctls tmpfs tty ulimits user volumes wait waitTimeout workingDir".split(" "),
);

/** The networks that it is connected to, and how. */
export function endpoints({ networksAdvanced }: Values): readonly { readonly name: string; readonly config: object }[] {
  return list(networksAdvanced).map((network) => ({ name: text(network["name"]), config: { Aliases: texts(network["aliases"]), IPAMConfig: { IPv4Address: text(network["ipv4Address"]), IPv6Address: text(network["ipv6Address"]) } } }));
}

/** Megabytes as bytes; -1 is no limit, and stays. */
export function memoryBytes(value: Value | undefined): number {
  return number(value) > 0 ? number(value) * MEGABYTE : number(value);
}

function healthcheck(check: Values): object {
  return { Test: texts(check["tests"]), Interval: parseDuration(text(check["interval"])), Timeout: parseDuration(text(check["timeout"])), StartPeriod: parseDuration(text(check["startPeriod"])), Retries: number(check["retries"]) };
}

function mount(mounted: Values): object {
  const type = text(mounted["type"]);
  const options = (name: string): Values | undefined => (isObject(mounted[name]) ? (mounted[name]) : undefined);
  const [bind, volume, tmpfs] = [options("bindOptions"), options("volumeOptions"), options("tmpfsOptions")];
  return {
    Type: type,
    Source: text(mounted["source"]),
    Target: text(mounted["target"]),
    ReadOnly: mounted["readOnly"] === true,
    ...(type === "bind" && bind !== undefined ? { BindOptions: { Propagation: text(bind["propagation"]) } } : {}),
    ...(type === "volume" && volume !== undefined ? { VolumeOptions: { NoCopy: volume["noCopy"] === true, Labels: labelMap(volume["labels"]), DriverConfig: { Name: text(volume["driverName"]), Options: textMap(volume["driverOptions"]) } } } : {}),
    ...(type === "tmpfs" && tmpfs !== undefined ? { TmpfsOptions: { SizeBytes: number(tmpfs["sizeBytes"]), Mode: number(tmpfs["mode"]) } } : {}),
  };
}

function capabilities(value: Value | undefined): { add: readonly string[]; drop: readonly string[] } {
  return isObject(value) ? { add: texts((value as Values)["adds"]), drop: texts((value as Values)["drops"]) } : { add: [], drop: [] };
}
