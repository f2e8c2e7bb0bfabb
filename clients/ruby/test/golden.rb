# frozen_string_literal: true

require 'json'
require 'recourse/errors'

# The golden files of conformance/, and what the reader says in their terms.
module Golden
  FOLDER = ENV.fetch('GOLDEN_DIR') { File.expand_path('../../../conformance/golden', __dir__) }

  # A failed call, as a gRPC library would hand it over.
  Failed = Struct.new(:code, :details, :metadata)

  Case = Struct.new(:name, :crosses, :failed, :report) do
    def read
      failed.code.zero? ? Golden.of_answer(failed.metadata) : Golden.of_error(failed)
    end
  end

  module_function

  def load
    paths = Dir[File.join(FOLDER, '*.json')].sort
    raise "no golden files in #{FOLDER}" if paths.empty?

    paths.map do |path|
      file = JSON.parse(File.read(path, encoding: 'UTF-8'))
      call = file['call']
      trailers = (call['trailers'] || {}).to_h { |key, value| [key, key.end_with?('-bin') ? value.unpack1('m') : value] }
      trailers['grpc-status-details-bin'] = call['status'].unpack1('m') if call['status']
      Case.new(File.basename(path, '.json'), !file.key?('fileOnly'),
               Failed.new(call['code'], call['message'].to_s, trailers), file['report'])
    end
  end

  def of_error(error)
    e = Recourse.read_error(error)
    said(
      code: e.code, errorCode: e.error_code, domain: e.domain, message: e.message, metadata: e.metadata,
      suggestion: e.suggestion, actions: e.recovery_actions.map { |a| action(a) }, actionRequired: !e.required_action.nil?,
      verdict: e.verdict, why: e.why, attempts: e.attempts, outcome: e.outcome, requestId: e.request_id,
      operation: e.operation
    ).merge(milliseconds('retryDelayMs', e.retry_delay))
  end

  def of_answer(metadata)
    d = Recourse.read_degraded(metadata) or return { 'code' => 'OK' }
    mark = said(
      kind: d.kind, errorCode: d.error_code, domain: d.domain, suggestion: d.suggestion,
      actions: d.recovery_actions.map { |a| action(a) }, source: d.source
    )
    { 'code' => 'OK', 'degraded' => mark.merge(milliseconds('ageMs', d.age)) }
  end

  def action(action)
    kind = action.action
    said(type: kind, actor: actor(action.actor), label: action.label, thenRetry: action.then_retry,
         required: action.required, body: body(kind, kind && action[kind.to_s]))
  end

  def actor(actor)
    actor.to_s.delete_prefix('ACTOR_') unless actor.is_a?(Integer) || actor == :ACTOR_UNSPECIFIED
  end

  def body(kind, value)
    return if kind.nil?
    return { 'type' => value.type_url.rpartition('/').last } if kind == :custom

    JSON.parse(value.class.encode_json(value, preserve_proto_fieldnames: true))
  end

  def milliseconds(key, seconds)
    seconds.nil? ? {} : { key => (seconds * 1000).round }
  end

  # Leaves out what says nothing.
  def said(**report)
    kept = report.reject { |_, value| [nil, false, '', 0, [], {}].include?(value) }
    kept.to_h { |key, value| [key.to_s, value.is_a?(Symbol) ? value.to_s : value] }
  end
end
