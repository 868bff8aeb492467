import { SecretManagerServiceClient, protos } from "@google-cloud/secret-manager";
import { Server, ServerCredentials, credentials, status } from "@grpc/grpc-js";
import type { MethodDefinition, handleUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { OAuth2Client } from "google-auth-library";
import type { ModuleLoader } from "../../../manager/src/config";

const { AccessSecretVersionRequest, AccessSecretVersionResponse, AddSecretVersionRequest, SecretVersion } = protos.google.cloud.secretmanager.v1;

interface Version {
  readonly data: Uint8Array;
  enabled: boolean;
}

/** What is used of a message's class as protobuf.js makes it. */
interface Message<T> {
  decode(bytes: Uint8Array): T;
  encode(message: object): { finish(): Uint8Array };
}

function method<Request, Response>(name: string, request: Message<Request>, response: Message<Response>): MethodDefinition<Request, object> {
  return {
    path: `/google.cloud.secretmanager.v1.SecretManagerService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(request.encode(message as object).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes) as object,
  };
}

/**
 * Secret Manager's gRPC interface as far as the library uses it, on this machine, for Google's own client. Proves that the client is used rightly, and what comes of each status; not how Google's service
 * behaves beyond the statuses that it is known to answer with.
 */
export class SecretManagerServer {
  /** Name of the secret → its versions. A secret without versions exists too. */
  readonly secrets = new Map<string, Version[]>();
  /** Secrets that may not be read. */
  readonly unreadable = new Set<string>();
  /** Secrets that get no version any more. */
  readonly unwritable = new Set<string>();
  readonly #server = new Server();
  #port = 0;

  async start(): Promise<this> {
    const access: handleUnaryCall<{ name: string }, object> = ({ request: { name } }, answer) => {
      const [, secret = "", wanted = ""] = /^(.*)\/versions\/(.*)$/.exec(name) ?? [];
      if (this.unreadable.has(secret)) return refuse(answer, status.PERMISSION_DENIED, `Permission 'secretmanager.versions.access' denied for resource '${name}'`);
      const versions = this.secrets.get(secret) ?? [];
      const version = wanted === "latest" ? versions.at(-1) : versions[Number(wanted) - 1];
      if (version === undefined) return refuse(answer, status.NOT_FOUND, `Secret [${secret}] not found or has no versions.`);
      if (!version.enabled) return refuse(answer, status.FAILED_PRECONDITION, `Secret Version [${name}] is in DISABLED state.`);
      answer(null, { name, payload: { data: version.data } });
    };
    const add: handleUnaryCall<{ parent: string; payload?: { data?: Uint8Array | string | null } | null }, object> = ({ request: { parent, payload } }, answer) => {
      if (this.unwritable.has(parent)) return refuse(answer, status.PERMISSION_DENIED, `Permission 'secretmanager.versions.add' denied for resource '${parent}'`);
      const versions = this.secrets.get(parent);
      if (versions === undefined) return refuse(answer, status.NOT_FOUND, `Secret [${parent}] not found.`);
      versions.push({ data: Buffer.from(payload?.data ?? ""), enabled: true });
      answer(null, { name: `${parent}/versions/${versions.length}` });
    };
    this.#server.addService(
      { access: method("AccessSecretVersion", AccessSecretVersionRequest as Message<unknown>, AccessSecretVersionResponse as Message<unknown>), add: method("AddSecretVersion", AddSecretVersionRequest as Message<unknown>, SecretVersion as Message<unknown>) },
      { access, add },
    );
    this.#port = await new Promise((resolve, reject) => this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error === null ? resolve(port) : reject(error))));
    return this;
  }

  /** Google's client library, whose client connects to here. */
  readonly loadModule: ModuleLoader = async (name) => {
    if (name !== "@google-cloud/secret-manager") throw new Error(`Cannot find package '${name}'`);
    const port = this.#port;
    const authClient = new OAuth2Client();
    authClient.setCredentials({ access_token: "test", expiry_date: Date.now() + 3_600_000 });
    return {
      SecretManagerServiceClient: class extends SecretManagerServiceClient {
        constructor() {
          super({ apiEndpoint: "127.0.0.1", port, projectId: "acme", sslCreds: credentials.createInsecure(), authClient: authClient as never });
        }
      },
    };
  };

  /** Makes a secret, with a version for each text. */
  create(name: string, ...texts: readonly string[]): Version[] {
    const versions = texts.map((text) => ({ data: Buffer.from(text), enabled: true }));
    this.secrets.set(name, versions);
    return versions;
  }

  /** The text of a secret's latest version. */
  latest(name: string): string {
    return Buffer.from(this.secrets.get(name)?.at(-1)?.data ?? "").toString("utf8");
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

function refuse(answer: sendUnaryData<object>, code: status, details: string): void {
  answer({ code, details });
}
