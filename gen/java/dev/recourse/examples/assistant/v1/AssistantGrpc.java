package dev.recourse.examples.assistant.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Assistant answers people. It has one method of each shape that gRPC knows.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AssistantGrpc {

  private AssistantGrpc() {}

  public static final java.lang.String SERVICE_NAME = "assistant.v1.Assistant";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ClassifyIntentRequest,
      dev.recourse.examples.assistant.v1.ClassifyIntentResponse> getClassifyIntentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ClassifyIntent",
      requestType = dev.recourse.examples.assistant.v1.ClassifyIntentRequest.class,
      responseType = dev.recourse.examples.assistant.v1.ClassifyIntentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ClassifyIntentRequest,
      dev.recourse.examples.assistant.v1.ClassifyIntentResponse> getClassifyIntentMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ClassifyIntentRequest, dev.recourse.examples.assistant.v1.ClassifyIntentResponse> getClassifyIntentMethod;
    if ((getClassifyIntentMethod = AssistantGrpc.getClassifyIntentMethod) == null) {
      synchronized (AssistantGrpc.class) {
        if ((getClassifyIntentMethod = AssistantGrpc.getClassifyIntentMethod) == null) {
          AssistantGrpc.getClassifyIntentMethod = getClassifyIntentMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.ClassifyIntentRequest, dev.recourse.examples.assistant.v1.ClassifyIntentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ClassifyIntent"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.ClassifyIntentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.ClassifyIntentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AssistantMethodDescriptorSupplier("ClassifyIntent"))
              .build();
        }
      }
    }
    return getClassifyIntentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.GenerateRequest,
      dev.recourse.examples.assistant.v1.GenerateResponse> getGenerateMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Generate",
      requestType = dev.recourse.examples.assistant.v1.GenerateRequest.class,
      responseType = dev.recourse.examples.assistant.v1.GenerateResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.GenerateRequest,
      dev.recourse.examples.assistant.v1.GenerateResponse> getGenerateMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.GenerateRequest, dev.recourse.examples.assistant.v1.GenerateResponse> getGenerateMethod;
    if ((getGenerateMethod = AssistantGrpc.getGenerateMethod) == null) {
      synchronized (AssistantGrpc.class) {
        if ((getGenerateMethod = AssistantGrpc.getGenerateMethod) == null) {
          AssistantGrpc.getGenerateMethod = getGenerateMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.GenerateRequest, dev.recourse.examples.assistant.v1.GenerateResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Generate"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.GenerateRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.GenerateResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AssistantMethodDescriptorSupplier("Generate"))
              .build();
        }
      }
    }
    return getGenerateMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.TranscribeRequest,
      dev.recourse.examples.assistant.v1.TranscribeResponse> getTranscribeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Transcribe",
      requestType = dev.recourse.examples.assistant.v1.TranscribeRequest.class,
      responseType = dev.recourse.examples.assistant.v1.TranscribeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.TranscribeRequest,
      dev.recourse.examples.assistant.v1.TranscribeResponse> getTranscribeMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.TranscribeRequest, dev.recourse.examples.assistant.v1.TranscribeResponse> getTranscribeMethod;
    if ((getTranscribeMethod = AssistantGrpc.getTranscribeMethod) == null) {
      synchronized (AssistantGrpc.class) {
        if ((getTranscribeMethod = AssistantGrpc.getTranscribeMethod) == null) {
          AssistantGrpc.getTranscribeMethod = getTranscribeMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.TranscribeRequest, dev.recourse.examples.assistant.v1.TranscribeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Transcribe"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.TranscribeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.TranscribeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AssistantMethodDescriptorSupplier("Transcribe"))
              .build();
        }
      }
    }
    return getTranscribeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ChatRequest,
      dev.recourse.examples.assistant.v1.ChatResponse> getChatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Chat",
      requestType = dev.recourse.examples.assistant.v1.ChatRequest.class,
      responseType = dev.recourse.examples.assistant.v1.ChatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ChatRequest,
      dev.recourse.examples.assistant.v1.ChatResponse> getChatMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ChatRequest, dev.recourse.examples.assistant.v1.ChatResponse> getChatMethod;
    if ((getChatMethod = AssistantGrpc.getChatMethod) == null) {
      synchronized (AssistantGrpc.class) {
        if ((getChatMethod = AssistantGrpc.getChatMethod) == null) {
          AssistantGrpc.getChatMethod = getChatMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.ChatRequest, dev.recourse.examples.assistant.v1.ChatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Chat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.ChatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.ChatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AssistantMethodDescriptorSupplier("Chat"))
              .build();
        }
      }
    }
    return getChatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ProcessRequest,
      dev.recourse.examples.assistant.v1.ProcessResponse> getProcessMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Process",
      requestType = dev.recourse.examples.assistant.v1.ProcessRequest.class,
      responseType = dev.recourse.examples.assistant.v1.ProcessResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ProcessRequest,
      dev.recourse.examples.assistant.v1.ProcessResponse> getProcessMethod() {
    io.grpc.MethodDescriptor<dev.recourse.examples.assistant.v1.ProcessRequest, dev.recourse.examples.assistant.v1.ProcessResponse> getProcessMethod;
    if ((getProcessMethod = AssistantGrpc.getProcessMethod) == null) {
      synchronized (AssistantGrpc.class) {
        if ((getProcessMethod = AssistantGrpc.getProcessMethod) == null) {
          AssistantGrpc.getProcessMethod = getProcessMethod =
              io.grpc.MethodDescriptor.<dev.recourse.examples.assistant.v1.ProcessRequest, dev.recourse.examples.assistant.v1.ProcessResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Process"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.ProcessRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  dev.recourse.examples.assistant.v1.ProcessResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AssistantMethodDescriptorSupplier("Process"))
              .build();
        }
      }
    }
    return getProcessMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AssistantStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AssistantStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AssistantStub>() {
        @java.lang.Override
        public AssistantStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AssistantStub(channel, callOptions);
        }
      };
    return AssistantStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AssistantBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AssistantBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AssistantBlockingV2Stub>() {
        @java.lang.Override
        public AssistantBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AssistantBlockingV2Stub(channel, callOptions);
        }
      };
    return AssistantBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AssistantBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AssistantBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AssistantBlockingStub>() {
        @java.lang.Override
        public AssistantBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AssistantBlockingStub(channel, callOptions);
        }
      };
    return AssistantBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AssistantFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AssistantFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AssistantFutureStub>() {
        @java.lang.Override
        public AssistantFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AssistantFutureStub(channel, callOptions);
        }
      };
    return AssistantFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Assistant answers people. It has one method of each shape that gRPC knows.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * ClassifyIntent finds out what a person wants.
     * </pre>
     */
    default void classifyIntent(dev.recourse.examples.assistant.v1.ClassifyIntentRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ClassifyIntentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getClassifyIntentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Generate writes a text, piece by piece.
     * </pre>
     */
    default void generate(dev.recourse.examples.assistant.v1.GenerateRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.GenerateResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGenerateMethod(), responseObserver);
    }

    /**
     * <pre>
     * Transcribe turns a recording into text once all of it has arrived.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.TranscribeRequest> transcribe(
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.TranscribeResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getTranscribeMethod(), responseObserver);
    }

    /**
     * <pre>
     * Chat talks in turns, remembering what was said before in the same call.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ChatRequest> chat(
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ChatResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getChatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Process classifies a query and answers it, and enters both in the person's history. A repeat is safe only with a
     * request_id.
     * </pre>
     */
    default void process(dev.recourse.examples.assistant.v1.ProcessRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ProcessResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getProcessMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Assistant.
   * <pre>
   * Assistant answers people. It has one method of each shape that gRPC knows.
   * </pre>
   */
  public static abstract class AssistantImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AssistantGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Assistant.
   * <pre>
   * Assistant answers people. It has one method of each shape that gRPC knows.
   * </pre>
   */
  public static final class AssistantStub
      extends io.grpc.stub.AbstractAsyncStub<AssistantStub> {
    private AssistantStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AssistantStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AssistantStub(channel, callOptions);
    }

    /**
     * <pre>
     * ClassifyIntent finds out what a person wants.
     * </pre>
     */
    public void classifyIntent(dev.recourse.examples.assistant.v1.ClassifyIntentRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ClassifyIntentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getClassifyIntentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Generate writes a text, piece by piece.
     * </pre>
     */
    public void generate(dev.recourse.examples.assistant.v1.GenerateRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.GenerateResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getGenerateMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Transcribe turns a recording into text once all of it has arrived.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.TranscribeRequest> transcribe(
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.TranscribeResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncClientStreamingCall(
          getChannel().newCall(getTranscribeMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Chat talks in turns, remembering what was said before in the same call.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ChatRequest> chat(
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ChatResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getChatMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Process classifies a query and answers it, and enters both in the person's history. A repeat is safe only with a
     * request_id.
     * </pre>
     */
    public void process(dev.recourse.examples.assistant.v1.ProcessRequest request,
        io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ProcessResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getProcessMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Assistant.
   * <pre>
   * Assistant answers people. It has one method of each shape that gRPC knows.
   * </pre>
   */
  public static final class AssistantBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AssistantBlockingV2Stub> {
    private AssistantBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AssistantBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AssistantBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * ClassifyIntent finds out what a person wants.
     * </pre>
     */
    public dev.recourse.examples.assistant.v1.ClassifyIntentResponse classifyIntent(dev.recourse.examples.assistant.v1.ClassifyIntentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getClassifyIntentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Generate writes a text, piece by piece.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, dev.recourse.examples.assistant.v1.GenerateResponse>
        generate(dev.recourse.examples.assistant.v1.GenerateRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getGenerateMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Transcribe turns a recording into text once all of it has arrived.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<dev.recourse.examples.assistant.v1.TranscribeRequest, dev.recourse.examples.assistant.v1.TranscribeResponse>
        transcribe() {
      return io.grpc.stub.ClientCalls.blockingClientStreamingCall(
          getChannel(), getTranscribeMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Chat talks in turns, remembering what was said before in the same call.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<dev.recourse.examples.assistant.v1.ChatRequest, dev.recourse.examples.assistant.v1.ChatResponse>
        chat() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getChatMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Process classifies a query and answers it, and enters both in the person's history. A repeat is safe only with a
     * request_id.
     * </pre>
     */
    public dev.recourse.examples.assistant.v1.ProcessResponse process(dev.recourse.examples.assistant.v1.ProcessRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getProcessMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Assistant.
   * <pre>
   * Assistant answers people. It has one method of each shape that gRPC knows.
   * </pre>
   */
  public static final class AssistantBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AssistantBlockingStub> {
    private AssistantBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AssistantBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AssistantBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * ClassifyIntent finds out what a person wants.
     * </pre>
     */
    public dev.recourse.examples.assistant.v1.ClassifyIntentResponse classifyIntent(dev.recourse.examples.assistant.v1.ClassifyIntentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getClassifyIntentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Generate writes a text, piece by piece.
     * </pre>
     */
    public java.util.Iterator<dev.recourse.examples.assistant.v1.GenerateResponse> generate(
        dev.recourse.examples.assistant.v1.GenerateRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getGenerateMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Process classifies a query and answers it, and enters both in the person's history. A repeat is safe only with a
     * request_id.
     * </pre>
     */
    public dev.recourse.examples.assistant.v1.ProcessResponse process(dev.recourse.examples.assistant.v1.ProcessRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getProcessMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Assistant.
   * <pre>
   * Assistant answers people. It has one method of each shape that gRPC knows.
   * </pre>
   */
  public static final class AssistantFutureStub
      extends io.grpc.stub.AbstractFutureStub<AssistantFutureStub> {
    private AssistantFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AssistantFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AssistantFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * ClassifyIntent finds out what a person wants.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.recourse.examples.assistant.v1.ClassifyIntentResponse> classifyIntent(
        dev.recourse.examples.assistant.v1.ClassifyIntentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getClassifyIntentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Process classifies a query and answers it, and enters both in the person's history. A repeat is safe only with a
     * request_id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<dev.recourse.examples.assistant.v1.ProcessResponse> process(
        dev.recourse.examples.assistant.v1.ProcessRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getProcessMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CLASSIFY_INTENT = 0;
  private static final int METHODID_GENERATE = 1;
  private static final int METHODID_PROCESS = 2;
  private static final int METHODID_TRANSCRIBE = 3;
  private static final int METHODID_CHAT = 4;

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
        case METHODID_CLASSIFY_INTENT:
          serviceImpl.classifyIntent((dev.recourse.examples.assistant.v1.ClassifyIntentRequest) request,
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ClassifyIntentResponse>) responseObserver);
          break;
        case METHODID_GENERATE:
          serviceImpl.generate((dev.recourse.examples.assistant.v1.GenerateRequest) request,
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.GenerateResponse>) responseObserver);
          break;
        case METHODID_PROCESS:
          serviceImpl.process((dev.recourse.examples.assistant.v1.ProcessRequest) request,
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ProcessResponse>) responseObserver);
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
        case METHODID_TRANSCRIBE:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.transcribe(
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.TranscribeResponse>) responseObserver);
        case METHODID_CHAT:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.chat(
              (io.grpc.stub.StreamObserver<dev.recourse.examples.assistant.v1.ChatResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getClassifyIntentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.ClassifyIntentRequest,
              dev.recourse.examples.assistant.v1.ClassifyIntentResponse>(
                service, METHODID_CLASSIFY_INTENT)))
        .addMethod(
          getGenerateMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.GenerateRequest,
              dev.recourse.examples.assistant.v1.GenerateResponse>(
                service, METHODID_GENERATE)))
        .addMethod(
          getTranscribeMethod(),
          io.grpc.stub.ServerCalls.asyncClientStreamingCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.TranscribeRequest,
              dev.recourse.examples.assistant.v1.TranscribeResponse>(
                service, METHODID_TRANSCRIBE)))
        .addMethod(
          getChatMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.ChatRequest,
              dev.recourse.examples.assistant.v1.ChatResponse>(
                service, METHODID_CHAT)))
        .addMethod(
          getProcessMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              dev.recourse.examples.assistant.v1.ProcessRequest,
              dev.recourse.examples.assistant.v1.ProcessResponse>(
                service, METHODID_PROCESS)))
        .build();
  }

  private static abstract class AssistantBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AssistantBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return dev.recourse.examples.assistant.v1.AssistantOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Assistant");
    }
  }

  private static final class AssistantFileDescriptorSupplier
      extends AssistantBaseDescriptorSupplier {
    AssistantFileDescriptorSupplier() {}
  }

  private static final class AssistantMethodDescriptorSupplier
      extends AssistantBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AssistantMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AssistantGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AssistantFileDescriptorSupplier())
              .addMethod(getClassifyIntentMethod())
              .addMethod(getGenerateMethod())
              .addMethod(getTranscribeMethod())
              .addMethod(getChatMethod())
              .addMethod(getProcessMethod())
              .build();
        }
      }
    }
    return result;
  }
}
