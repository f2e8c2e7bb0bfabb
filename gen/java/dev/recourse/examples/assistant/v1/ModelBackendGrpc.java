package dev.recourse.examples.assistant.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * ModelBackend runs a language model. The assistant calls it, people never do.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ModelBackendGrpc {

  private ModelBackendGrpc() {}

  public static final java.lang.String SERVICE_NAME = "assistant.v1.ModelBackend";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.CompleteRequest,
      dev.recourse.examples.assistant.v1.CompleteResponse> getCompleteMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Complete",
      requestType = dev.recourse.examples.assistant.v1.CompleteRequest.class,
      responseType = dev.recourse.examples.assistant.v1.CompleteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.CompleteRequest,
      dev.recourse.examples.assistant.v1.CompleteResponse> getCompleteMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.CompleteRequest, dev.recourse.examples.assistant.v1.CompleteResponse> getCompleteMethod;
    if ((getCompleteMethod = ModelBackendGrpc.getCompleteMethod) == null) {
      synchronized (ModelBackendGrpc.class) {
        if ((getCompleteMethod = ModelBackendGrpc.getCompleteMethod) == null) {
          ModelBackendGrpc.getCompleteMethod = getCompleteMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.CompleteRequest, dev.recourse.examples.assistant.v1.CompleteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Complete"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.CompleteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.CompleteResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelBackendMethodDescriptorSupplier("Complete"))
              .build();
        }
      }
    }
    return getCompleteMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.CompleteStreamRequest,
      dev.recourse.examples.assistant.v1.CompleteStreamResponse> getCompleteStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CompleteStream",
      requestType = dev.recourse.examples.assistant.v1.CompleteStreamRequest.class,
      responseType = dev.recourse.examples.assistant.v1.CompleteStreamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.CompleteStreamRequest,
      dev.recourse.examples.assistant.v1.CompleteStreamResponse> getCompleteStreamMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.CompleteStreamRequest, dev.recourse.examples.assistant.v1.CompleteStreamResponse> getCompleteStreamMethod;
    if ((getCompleteStreamMethod = ModelBackendGrpc.getCompleteStreamMethod) == null) {
      synchronized (ModelBackendGrpc.class) {
        if ((getCompleteStreamMethod = ModelBackendGrpc.getCompleteStreamMethod) == null) {
          ModelBackendGrpc.getCompleteStreamMethod = getCompleteStreamMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.CompleteStreamRequest, dev.recourse.examples.assistant.v1.CompleteStreamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CompleteStream"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.CompleteStreamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.CompleteStreamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelBackendMethodDescriptorSupplier("CompleteStream"))
              .build();
        }
      }
    }
    return getCompleteStreamMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ModelBackendStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelBackendStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelBackendStub>() {
        @java.lang.Override
        public ModelBackendStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelBackendStub(channel, callOptions);
        }
      };
    return ModelBackendStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ModelBackendBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelBackendBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelBackendBlockingV2Stub>() {
        @java.lang.Override
        public ModelBackendBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelBackendBlockingV2Stub(channel, callOptions);
        }
      };
    return ModelBackendBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ModelBackendBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelBackendBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelBackendBlockingStub>() {
        @java.lang.Override
        public ModelBackendBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelBackendBlockingStub(channel, callOptions);
        }
      };
    return ModelBackendBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ModelBackendFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelBackendFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelBackendFutureStub>() {
        @java.lang.Override
        public ModelBackendFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelBackendFutureStub(channel, callOptions);
        }
      };
    return ModelBackendFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * ModelBackend runs a language model. The assistant calls it, people never do.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Complete continues a prompt and answers when it is done.
     * </pre>
     */
    default void complete(dev.recourse.examples.assistant.v1.CompleteRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.CompleteResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCompleteMethod(), responseObserver);
    }

    /**
     * <pre>
     * CompleteStream continues a prompt and sends each token when it is there.
     * </pre>
     */
    default void completeStream(dev.recourse.examples.assistant.v1.CompleteStreamRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.CompleteStreamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCompleteStreamMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ModelBackend.
   * <pre>
   * ModelBackend runs a language model. The assistant calls it, people never do.
   * </pre>
   */
  public static abstract class ModelBackendImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ModelBackendGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ModelBackend.
   * <pre>
   * ModelBackend runs a language model. The assistant calls it, people never do.
   * </pre>
   */
  public static final class ModelBackendStub
      extends io.grpc.stub.AbstractAsyncStub<ModelBackendStub> {
    private ModelBackendStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelBackendStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelBackendStub(channel, callOptions);
    }

    /**
     * <pre>
     * Complete continues a prompt and answers when it is done.
     * </pre>
     */
    public void complete(dev.recourse.examples.assistant.v1.CompleteRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.CompleteResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCompleteMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CompleteStream continues a prompt and sends each token when it is there.
     * </pre>
     */
    public void completeStream(dev.recourse.examples.assistant.v1.CompleteStreamRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.CompleteStreamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getCompleteStreamMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ModelBackend.
   * <pre>
   * ModelBackend runs a language model. The assistant calls it, people never do.
   * </pre>
   */
  public static final class ModelBackendBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ModelBackendBlockingV2Stub> {
    private ModelBackendBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelBackendBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelBackendBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Complete continues a prompt and answers when it is done.
     * </pre>
     */
    public dev.recourse.examples.assistant.v1.CompleteResponse complete(dev.recourse.examples.assistant.v1.CompleteRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCompleteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CompleteStream continues a prompt and sends each token when it is there.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.recourse.examples.assistant.v1.CompleteStreamResponse>
        completeStream(dev.recourse.examples.assistant.v1.CompleteStreamRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getCompleteStreamMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ModelBackend.
   * <pre>
   * ModelBackend runs a language model. The assistant calls it, people never do.
   * </pre>
   */
  public static final class ModelBackendBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ModelBackendBlockingStub> {
    private ModelBackendBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelBackendBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelBackendBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Complete continues a prompt and answers when it is done.
     * </pre>
     */
    public dev.recourse.examples.assistant.v1.CompleteResponse complete(dev.recourse.examples.assistant.v1.CompleteRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCompleteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CompleteStream continues a prompt and sends each token when it is there.
     * </pre>
     */
    public java.util.Iterator<dev.recourse.examples.assistant.v1.CompleteStreamResponse> completeStream(
        dev.recourse.examples.assistant.v1.CompleteStreamRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getCompleteStreamMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ModelBackend.
   * <pre>
   * ModelBackend runs a language model. The assistant calls it, people never do.
   * </pre>
   */
  public static final class ModelBackendFutureStub
      extends io.grpc.stub.AbstractFutureStub<ModelBackendFutureStub> {
    private ModelBackendFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelBackendFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelBackendFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Complete continues a prompt and answers when it is done.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.recourse.examples.assistant.v1.CompleteResponse> complete(
        dev.recourse.examples.assistant.v1.CompleteRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCompleteMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_COMPLETE = 0;
  private static final int METHODID_COMPLETE_STREAM = 1;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_COMPLETE:
          serviceImpl.complete((dev.recourse.examples.assistant.v1.CompleteRequest) request,
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.CompleteResponse>) responseObserver);
          break;
        case METHODID_COMPLETE_STREAM:
          serviceImpl.completeStream((dev.recourse.examples.assistant.v1.CompleteStreamRequest) request,
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.CompleteStreamResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCompleteMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.CompleteRequest,
              dev.recourse.examples.assistant.v1.CompleteResponse>(
                service, METHODID_COMPLETE)))
        .addMethod(
          getCompleteStreamMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.CompleteStreamRequest,
              dev.recourse.examples.assistant.v1.CompleteStreamResponse>(
                service, METHODID_COMPLETE_STREAM)))
        .build();
  }

  private static abstract class ModelBackendBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ModelBackendBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.recourse.examples.assistant.v1.ModelBackendOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ModelBackend");
    }
  }

  private static final class ModelBackendFileDescriptorSupplier
      extends ModelBackendBaseDescriptorSupplier {
    ModelBackendFileDescriptorSupplier() {}
  }

  private static final class ModelBackendMethodDescriptorSupplier
      extends ModelBackendBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ModelBackendMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (ModelBackendGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ModelBackendFileDescriptorSupplier())
              .addMethod(getCompleteMethod())
              .addMethod(getCompleteStreamMethod())
              .build();
        }
      }
    }
    return result;
  }
}
