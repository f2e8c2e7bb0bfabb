import com.google.protobuf.duration
import dev.recourse.v1.ErrorDetail
import dev.recourse.v1.Outcome
import dev.recourse.v1.RetryAdvice
import dev.recourse.v1.errorDetail
import dev.recourse.v1.recoveryAction
import dev.recourse.v1.retryAdvice
import dev.recourse.v1.retryAfter
import dev.recourse.v1.retryOrNull
import java.io.File

fun main(args: Array<String>) {
    val detail = errorDetail {
        errorCode = "MODEL_OVERLOADED"
        domain = "assistant.example.com"
        suggestion = "Später ist mehr frei."
        recoveryActions += recoveryAction {
            label = "Try again later"
            retryAfter = retryAfter { maxDelay = duration { seconds = 5; nanos = 500000000 } }
        }
        outcome = Outcome.OUTCOME_NOT_APPLIED
        retry = retryAdvice { verdict = RetryAdvice.Verdict.VERDICT_SAME_REQUEST }
    }
    check(detail.retryOrNull != null)
    check(detail == ErrorDetail.parseFrom(File(args[0]).readBytes()))
}
