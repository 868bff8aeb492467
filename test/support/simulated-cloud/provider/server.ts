import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";

import type { PropertyChange } from "./diff";
import type { Value, Values } from "./property-values";
import type { SimulatedProvider, Target } from "./provider";

type Handler<Request, Response> = (request: Request) => Response | Promise<Response>;

/**
 * Serves the provider to the engine.
 *
 * @param version what the provider says its version is; the npm package's at least, or the engine warns
 * @returns the port, on 127.0.0.1
 */
export async function serve(provider: SimulatedProvider, version: string): Promise<number> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(ResourceProviderService, handlers(provider, version));
  return new Promise((resolve, reject) => server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => (error === null ? resolve(port) : reject(error))));
}

function handlers(provider: SimulatedProvider, version: string): grpc.UntypedServiceImplementation {
  return {
    handshake: unary(() => new messages.ProviderHandshakeResponse().setAcceptSecrets(true).setSupportsAutonamingConfiguration(true)),
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    checkConfig: unary((request: messages.CheckRequest) => new messages.CheckResponse().setInputs(request.getNews())),
    diffConfig: unary(() => new messages.DiffResponse().setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE)),
    configure: unary((request: messages.ConfigureRequest) => {
      provider.configure(Object.fromEntries(Object.entries(values(request.getArgs())).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []))));
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true).setSupportsAutonamingConfiguration(true);
    }),
    check: unary(check(provider)),
    diff: unary((request: messages.DiffRequest) => {
      const { changes, deleteBeforeReplace } = provider.diff(targetOf(request), values(request.getOldInputs()), values(request.getOlds()), values(request.getNews()));
      return diffResponse(changes).setDeletebeforereplace(deleteBeforeReplace);
    }),
    create: unary(async (request: messages.CreateRequest) => {
      const news = values(request.getProperties());
      if (request.getPreview()) return new messages.CreateResponse().setProperties(struct(provider.previewed(targetOf(request), news)));
      const { id, outputs } = await provider.create(targetOf(request), news);
      return new messages.CreateResponse().setId(id).setProperties(struct(outputs));
    }),
    read: unary(async (request: messages.ReadRequest) => {
      const found = await provider.read(targetOf(request), request.getId(), values(request.getInputs()));
      if (found === undefined) return new messages.ReadResponse();
      return new messages.ReadResponse().setId(request.getId()).setInputs(struct(found.inputs)).setProperties(struct(found.outputs));
    }),
    update: unary(async (request: messages.UpdateRequest) => {
      const news = values(request.getNews());
      const outputs = request.getPreview() ? provider.previewed(targetOf(request), news, values(request.getOlds())) : await provider.update(targetOf(request), request.getId(), news);
      return new messages.UpdateResponse().setProperties(struct(outputs));
    }),
    delete: unary(async (request: messages.DeleteRequest) => {
      await provider.delete(targetOf(request), request.getId());
      return new Empty();
    }),
    invoke: unary((request: messages.InvokeRequest) => new messages.InvokeResponse().setReturn(struct(provider.invoke(request.getTok(), values(request.getArgs()))))),
    // The engine ends the process thereafter.
    cancel: unary(() => new Empty()),
  };
}

function check(provider: SimulatedProvider): Handler<messages.CheckRequest, messages.CheckResponse> {
  return (request) => {
    const { DISABLE } = messages.CheckRequest.AutonamingOptions.Mode;
    const autonaming = request.getAutonaming();
    const proposedName = autonaming === undefined || autonaming.getMode() === DISABLE ? undefined : autonaming.getProposedName();
    const { inputs, failures } = provider.check(targetOf(request), values(request.getOlds()), values(request.getNews()), request.getRandomseed_asU8(), proposedName);
    // The engine prints the value of a property that is named here, even a secret one.
    return new messages.CheckResponse().setInputs(struct(inputs)).setFailuresList(failures.map((reason) => new messages.CheckFailure().setReason(reason)));
  };
}

function diffResponse(changes: readonly PropertyChange[]): messages.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse().setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME).setHasdetaileddiff(true);
  // The engine shows what the detailed diff says, and replaces where this list is not empty.
  response.setReplacesList(changes.filter(({ replaces }) => replaces).map(({ path }) => path)).setDiffsList([...new Set(changes.map(({ path }) => path.split(/[.[]/)[0]!))]);
  for (const { path, kind, replaces } of changes) {
    const name = `${kind.toUpperCase()}${replaces ? "_REPLACE" : ""}` as keyof typeof messages.PropertyDiff.Kind;
    response.getDetaileddiffMap().set(path, new messages.PropertyDiff().setKind(messages.PropertyDiff.Kind[name]).setInputdiff(true));
  }
  return response;
}

function unary<Request, Response>(handler: Handler<Request, Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    void (async () => handler(call.request))().then(
      (response) => callback(null, response),
      (error: unknown) => callback({ code: grpc.status.UNKNOWN, message: error instanceof Error ? error.message : String(error) }),
    );
  };
}

/** Of `urn:pulumi:stack::project::parent$type::name`. */
function targetOf(request: { getUrn(): string }): Target {
  const urn = request.getUrn();
  const [, , types = "", ...name] = urn.split("::");
  return { urn, type: types.split("$").at(-1)!, name: name.join("::") };
}

function values(properties: Struct | undefined): Values {
  return (properties?.toJavaScript() ?? {});
}

function struct(properties: Readonly<Record<string, Value>>): Struct {
  // Through JSON, for `fromJavaScript` throws on undefined.
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)) as Record<string, JavaScriptValue>);
}
