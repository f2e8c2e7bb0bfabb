require 'google/protobuf/well_known_types'
require 'google/rpc/error_details_pb'
require 'google/rpc/status_pb'
require 'assistant/v1/assistant_services_pb'
require 'assistant/v1/errors_pb'
require 'assistant/v1/model_backend_services_pb'
require 'recourse/v1/catalog_pb'
require 'recourse/v1/degraded_pb'
require 'recourse/v1/error_detail_pb'

status = Google::Rpc::Status.decode(File.binread(ARGV.fetch(0)))
info = status.details[0].unpack(Google::Rpc::ErrorInfo) or raise 'no ErrorInfo'
detail = status.details[1].unpack(Recourse::V1::ErrorDetail) or raise 'no ErrorDetail'
raise 'no services' unless Assistant::V1::Assistant::Stub && Assistant::V1::ModelBackend::Stub
raise 'no Degraded' unless Recourse::V1::Degraded.descriptor.name == 'recourse.v1.Degraded'

action = detail.recovery_actions[0]
number = ->(type, value) { type.resolve(value) }
puts [
  status.code, info.reason, detail.domain, number[Recourse::V1::Outcome, detail.outcome],
  number[Recourse::V1::RetryAdvice::Verdict, detail.retry.verdict],
  "#{(action.retry_after.max_delay.to_f * 1000).to_i}ms", action.label, '|', detail.suggestion
].join(' ')
