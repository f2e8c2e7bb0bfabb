// A client of grpc-js for a service that protobuf-es has generated: it makes no stubs for grpc-js itself.
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import type { MetadataLike } from "@recourse-dev/recourse";

export interface CallOptions {
  headers?: Record<string, string>;
  timeoutMs?: number;
  onTrailer?: (trailers: MetadataLike) => void;
}

/** The calls of a service, in the form that Connect gives them, too. */
export type Calls<S extends DescService> = {
  [M in keyof S["method"]]: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S["method"][M] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : S["method"][M] extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => Promise<MessageShape<O>>
        : S["method"][M] extends DescMethodBiDiStreaming<infer I, infer O>
          ? (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
          : never;
};

export function grpcJsClient<S extends DescService>(service: S, client: Client): Calls<S> {
  return Object.fromEntries(service.methods.map((m) => [m.localName, callOf(client, m)])) as Calls<S>;
}

export function dial(addr: string): Client {
  return new Client(addr, credentials.createInsecure());
}

function callOf(client: Client, method: DescMethod) {
  const path = `/${method.parent.typeName}/${method.name}`;
  const write = (request: object): Buffer =>
    Buffer.from(toBinary(method.input, create(method.input as DescMessage, request as Record<string, unknown>)));
  const read = (bytes: Buffer): object => fromBinary(method.output as DescMessage, bytes);

  return (input: object, { headers = {}, timeoutMs, onTrailer }: CallOptions = {}) => {
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    const metadata = new Metadata();
    Object.entries(headers).forEach(([key, value]) => metadata.set(key, value));
    const onStatus = (ended: StatusObject): void => {
      if (ended.code === status.OK) {
        onTrailer?.(ended.metadata);
      }
    };
    const send = async (call: { write(request: object): boolean; end(): void }): Promise<void> => {
      for await (const request of input as AsyncIterable<object>) {
        call.write(request);
      }
      call.end();
    };
    const answer = (begin: (done: (error: ServiceError | null, reply?: object) => void) => void) =>
      new Promise<object>((resolve, reject) => begin((error, reply) => (error ? reject(error) : resolve(reply!))));

    switch (method.methodKind) {
      case "unary":
        return answer((done) =>
          client.makeUnaryRequest(path, write, read, input, metadata, options, done).on("status", onStatus),
        );
      case "client_streaming":
        return answer((done) => {
          void send(client.makeClientStreamRequest(path, write, read, metadata, options, done).on("status", onStatus));
        });
      case "server_streaming":
        return client.makeServerStreamRequest(path, write, read, input, metadata, options).on("status", onStatus);
      case "bidi_streaming": {
        const call = client.makeBidiStreamRequest(path, write, read, metadata, options).on("status", onStatus);
        void send(call);
        return call;
      }
    }
  };
}
