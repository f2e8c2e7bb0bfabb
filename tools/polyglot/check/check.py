import pathlib
import sys

from google.rpc import error_details_pb2, status_pb2

# Whether they load, against the library as it is installed, is part of the question.
from assistant.v1 import assistant_pb2_grpc, errors_pb2, model_backend_pb2_grpc
from recourse.v1 import catalog_pb2, degraded_pb2, error_detail_pb2

status = status_pb2.Status.FromString(pathlib.Path(sys.argv[1]).read_bytes())
info, detail = error_details_pb2.ErrorInfo(), error_detail_pb2.ErrorDetail()
assert status.details[0].Unpack(info)
assert status.details[1].Unpack(detail)
assert hasattr(assistant_pb2_grpc, "AssistantStub") and hasattr(model_backend_pb2_grpc, "ModelBackendStub")
assert degraded_pb2.Degraded.DESCRIPTOR.full_name == "recourse.v1.Degraded"

# An option of the catalogue, as a generator of errors reads it.
enum = errors_pb2.DESCRIPTOR.enum_types_by_name["AssistantError"]
assert enum.GetOptions().HasExtension(catalog_pb2.catalog)

action = detail.recovery_actions[0]
delay = action.retry_after.max_delay.ToMilliseconds()
print(status.code, info.reason, detail.domain, detail.outcome, detail.retry.verdict, f"{delay}ms", action.label, "|", detail.suggestion)
