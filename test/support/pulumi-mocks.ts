import { runtime } from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings";

/** A resource as a program declared it. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** Provider id for custom resources; empty for components. */
  readonly id: string;
  readonly custom: boolean;
}

/**
 * Runs `program` against Pulumi's mocks and returns what it declared, in order. Shows names and arguments only: whether a provider accepts
 * them is asked by the end-to-end tests, on the real engine. Hooks are registered and never run.
 *
 * @param outputs what a resource has beside its inputs, for programs that read it
 */
export async function recordResources(program: () => unknown, outputs: (type: string, name: string, inputs: Record<string, unknown>) => Record<string, unknown> = () => ({})): Promise<RecordedResource[]> {
  const resources: RecordedResource[] = [];
  await runtime.setMocks(
    {
      newResource({ type, name, inputs, custom }) {
        const id = custom === false ? "" : `${name}-id`;
        resources.push({ type, name, inputs: inputs as Record<string, unknown>, id, custom: custom !== false });
        return { id, state: { ...(inputs as Record<string, unknown>), ...outputs(type, name, inputs as Record<string, unknown>) } };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    "bulkhead",
    "test",
    false,
  );
  // The mock monitor says that it knows hooks, but has no method for them (3.248.0).
  const monitor = settings.getMonitor() as unknown as Record<string, unknown>;
  const answer = (_request: unknown, callback: (error: null, response: object) => void): void => callback(null, {});
  monitor["registerResourceHook"] ??= answer;
  monitor["registerErrorHook"] ??= answer;
  await program();
  // Not in its declarations; `disconnect`, which is, would end the mocks for the next call.
  await (settings as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
  return resources;
}
