import * as settings from "@pulumi/pulumi/runtime/settings";

import type { Declared } from "../../policy/rule";
import { gcpOutputs, prodConfig, shippedCatalog } from "../../test/support/gcp-stack";
import { recordResources } from "../../test/support/pulumi-mocks";
import { declareGcpStack } from "../export/gcp-program";

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getProtect(): boolean;
}

/** What the stack of Pulumi.prod.yaml declares in Google Cloud, without an engine and without Google. `changes` are laid over its settings. */
export async function prodStack(changes: Readonly<Record<string, unknown>> = {}): Promise<Declared[]> {
  const isProtected = new Set<string>();
  const resources = await recordResources(() => {
    noteProtection(isProtected);
    declareGcpStack("prod", prodConfig(changes), shippedCatalog());
  }, gcpOutputs);
  return resources.filter(({ custom }) => custom).map(({ type, name, inputs }) => ({ type, name, props: inputs, protect: isProtected.has(`${type} ${name}`) }));
}

/** Pulumi's mocks leave a resource's options out; the request has them. */
function noteProtection(isProtected: Set<string>): void {
  const monitor = settings.getMonitor() as unknown as { registerResource(request: RegisterRequest, callback: unknown): unknown };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    if (request.getProtect()) isProtected.add(`${request.getType()} ${request.getName()}`);
    return register(request, callback);
  };
}
