import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.recourse.examples.assistant.v1.AssistantError;
import dev.recourse.examples.assistant.v1.AssistantGrpc;
import dev.recourse.examples.assistant.v1.ModelBackendGrpc;
import dev.recourse.v1.Catalog;
import dev.recourse.v1.Degraded;
import dev.recourse.v1.ErrorDetail;
import dev.recourse.v1.RecoveryAction;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Check {
  public static void main(String[] args) throws Exception {
    Status status = Status.parseFrom(Files.readAllBytes(Path.of(args[0])));
    ErrorInfo info = status.getDetails(0).unpack(ErrorInfo.class);
    ErrorDetail detail = status.getDetails(1).unpack(ErrorDetail.class);
    RecoveryAction action = detail.getRecoveryActions(0);
    Duration delay = action.getRetryAfter().getMaxDelay();

    must(AssistantGrpc.getProcessMethod().getFullMethodName().equals("assistant.v1.Assistant/Process"));
    must(ModelBackendGrpc.getServiceDescriptor().getMethods().size() > 0);
    must(Degraded.getDescriptor().getFullName().equals("recourse.v1.Degraded"));
    // An option of the catalogue, as a generator of errors reads it.
    must(!AssistantError.getDescriptor().getOptions().getExtension(Catalog.catalog).getDomain().isEmpty());

    long ms = delay.getSeconds() * 1000 + delay.getNanos() / 1_000_000;
    new PrintStream(System.out, true, StandardCharsets.UTF_8).println(String.join(" ",
        "" + status.getCode(), info.getReason(), detail.getDomain(), "" + detail.getOutcomeValue(),
        "" + detail.getRetry().getVerdictValue(), ms + "ms", action.getLabel(), "|", detail.getSuggestion()));
  }

  private static void must(boolean holds) {
    if (!holds) throw new AssertionError();
  }
}
