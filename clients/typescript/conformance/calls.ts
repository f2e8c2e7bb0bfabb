// One call with either library, whatever its shape.
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { MetadataLike } from "../src/index.js";
import type { Library } from "./file.js";

/** Ended is what the library has handed over of a call. */
export interface Ended {
  readonly messages: readonly Message[];
  readonly error: unknown; // undefined if the call succeeded
  readonly headers: MetadataLike | undefined; // undefined if the library had none to show
  readonly trailers: MetadataLike | undefined; // of a call that succeeded
}

export interface Caller {
  /** Whether calls are repeated as a policy says: Connect has none. */
  readonly retries: boolean;

  /** Calls a method. In a chat, each request but the first is sent once the one before it was answered. */
  call<M extends DescMethod>(
    method: M,
    requests: readonly MessageInitShape<M["input"]>[],
    visit?: string,
  ): Promise<Ended>;

  close(): void;
}

// A call that hangs must not hang the run.
const timeout = 20_000;

const retryPolicy = {
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.01s",
        maxBackoff: "0.1s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

export function callerOf(library: Library, address: string, retries: boolean): Caller {
  return library === "connect" ? connect(address) : grpcJs(address, retries);
}

function grpcJs(address: string, retries: boolean): Caller {
  const policy = retries ? { "grpc.service_config": JSON.stringify(retryPolicy) } : {};
  const client = new Client(address, credentials.createInsecure(), policy);
  return {
    retries,
    close: () => client.close(),
    call: (method, requests, visit) =>
      new Promise((resolve) => {
        const { path, write, read, metadata } = prepared(method, visit);
        const options = { deadline: Date.now() + timeout };
        const inputs = requests.map((request) => create(method.input as DescMessage, request));
        const messages: Message[] = [];
        let error: unknown;
        let headers: Metadata | undefined;
        let trailers: Metadata | undefined;

        // The status may come before the last message has been read.
        let missing = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming" ? 2 : 1;
        const done = (): void => {
          missing--;
          if (missing === 0) {
            resolve({ messages, error, headers, trailers: error === undefined ? trailers : undefined });
          }
        };
        const answered = (err: unknown, message?: Message): void => {
          error = err ?? undefined;
          messages.push(...(message === undefined ? [] : [message]));
        };
        const begin = () => {
          switch (method.methodKind) {
            case "unary":
              return client.makeUnaryRequest(path, write, read, inputs[0]!, metadata, options, answered);
            case "client_streaming": {
              const call = client.makeClientStreamRequest(path, write, read, metadata, options, answered);
              inputs.forEach((input) => call.write(input));
              call.end();
              return call;
            }
            case "server_streaming": {
              const call = client.makeServerStreamRequest(path, write, read, inputs[0]!, metadata, options);
              return call.on("data", (message: Message) => messages.push(message)).on("end", done);
            }
            case "bidi_streaming": {
              const call = client.makeBidiStreamRequest(path, write, read, metadata, options);
              const next = (): void => {
                const input = inputs[messages.length];
                void (input === undefined ? call.end() : call.write(input));
              };
              next();
              return call.on("data", (message: Message) => messages.push(message) && next()).on("end", done);
            }
          }
        };
        const call = begin();
        call.on("error", (err: Error) => (error = err));
        call.on("metadata", (md: Metadata) => (headers = md));
        call.on("status", (status: { metadata: Metadata }) => {
          trailers = status.metadata;
          done();
        });
      }),
  };
}

function prepared(method: DescMethod, visit: string | undefined) {
  const metadata = new Metadata();
  if (visit !== undefined) {
    metadata.set("x-visit", visit);
  }
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    write: (message: Message) => Buffer.from(toBinary(method.input as DescMessage, message)),
    read: (bytes: Buffer): Message => fromBinary(method.output as DescMessage, bytes),
    metadata,
  };
}

function connect(address: string): Caller {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    retries: false,
    close: () => sessionManager.abort(),
    async call(method, requests, visit) {
      const messages: Message[] = [];
      const ended: { error: unknown; headers: Headers | undefined; trailers: Headers | undefined } = {
        error: undefined,
        headers: undefined,
        trailers: undefined,
      };
      let received = (): void => {};
      async function* inputs(): AsyncIterable<unknown> {
        for (const request of requests) {
          const answered = new Promise<void>((resolve) => (received = resolve));
          yield request;
          if (method.methodKind === "bidi_streaming") {
            await answered;
          }
        }
      }
      const one = method.methodKind === "unary" || method.methodKind === "server_streaming";
      const client = createClient(method.parent, transport) as Record<
        string,
        (input: unknown, options: object) => unknown
      >;
      try {
        const reply = client[method.localName]!(one ? requests[0] : inputs(), {
          headers: visit === undefined ? {} : { "x-visit": visit },
          timeoutMs: timeout,
          onHeader: (headers: Headers) => (ended.headers = headers),
          onTrailer: (trailers: Headers) => (ended.trailers = trailers),
        });
        if (method.methodKind === "unary" || method.methodKind === "client_streaming") {
          messages.push((await reply) as Message);
        } else {
          for await (const message of reply as AsyncIterable<Message>) {
            messages.push(message);
            received();
          }
        }
      } catch (error) {
        ended.error = error;
      } finally {
        received();
      }
      return { messages, ...ended };
    },
  };
}
