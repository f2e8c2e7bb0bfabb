# frozen_string_literal: true

# Goes through the situations of conformance/README.md with gRPC's stock client for Ruby, but for those of the example,
# and prints a line for each.

require 'assistant/v1/assistant_services_pb'
require 'golden'
require 'google/protobuf/empty_pb'
require 'json'
require 'securerandom'

Unmet = Class.new(StandardError)

def same(what, got, want)
  raise Unmet, "#{what} is #{got.inspect}, want #{want.inspect}" unless got == want
end

def compare(got, want)
  (got.keys | want.keys).each { |key| same(key, got[key], want[key]) }
end

# What a call ended with.
Ended = Struct.new(:replies, :error, :headers, :trailers)

# One situation at the live server. Its calls carry a name that is used once.
class Visit
  include Assistant::V1

  DELAY = 300

  def initialize(stub)
    @stub = stub
    @id = SecureRandom.uuid
  end

  # Makes a call, with one reply or any number of them.
  def call(method, request)
    operation = @stub.public_send(
      method, request, return_op: true, deadline: Time.now + 10, metadata: { 'x-visit' => @id }
    )
    ended = Ended.new([])
    begin
      reply = operation.execute
      reply.is_a?(Enumerator) ? reply.each { |piece| ended.replies << piece } : ended.replies << reply
    rescue GRPC::BadStatus => e
      ended.error = e
    end
    ended.headers = operation.metadata
    ended.trailers = operation.trailing_metadata
    ended
  end

  def process(query)
    call(:process, ProcessRequest.new(query: query))
  end

  def generate(prompt)
    call(:generate, GenerateRequest.new(prompt: prompt))
  end

  # Asks the server how often the call came, and how long the second attempt waited.
  def came(attempts, wait = 0)
    told = @stub.classify_intent(ClassifyIntentRequest.new(query: @id), deadline: Time.now + 10)
    same('attempts', told.intent, attempts.to_s)
    waited = told.confidence.to_i
    raise Unmet, "the second attempt came after #{waited} ms" if waited < wait

    "#{attempts} attempts, #{waited} ms between" if wait.positive?
  end

  def answered(ended, replies = 1)
    raise Unmet, "failed: #{ended.error.message}" if ended.error

    same('replies', ended.replies.size, replies)
  end

  def failed(ended, error_code)
    raise Unmet, "answered, want #{error_code}" unless ended.error

    error = Recourse.read_error(ended.error)
    same('error code', error.error_code, error_code)
    error
  end

  def fixes(error, *fields)
    fixes = error.recovery_actions.select { |a| a.action == :fix_fields }.flat_map { |a| a.fix_fields.fixes.to_a }
    same('fields to fix', fixes.map(&:field), fields)
  end

  def degraded(ended)
    mark = Recourse.read_degraded(ended.trailers) or raise Unmet, 'the answer has no mark'
    same('kind', mark.kind, :STALE)
    same('error code', mark.error_code, 'MODEL_BUSY')
    same('suggestion', mark.suggestion, 'This may be out of date.')
  end

  def retry_waits
    answered(process('waits'))
    came(2, DELAY)
  end

  def retry_never
    error = failed(process('never'), 'MODEL_OVERLOADED')
    same('verdict', error.verdict, :NEVER)
    same('why', error.why, :OVERLOADED)
    came(1)
  end

  def retry_later
    error = failed(process('later'), 'MODEL_AWAY')
    same('delay', error.retry_delay, 60)
    came(1)
  end

  def retry_busy
    answered(process('busy'))
    came(3)
  end

  def retry_fields
    fixes(failed(process('fields'), 'FIELDS_INVALID'), 'query')
    came(1)
  end

  def retry_stream_waits
    answered(generate('waits'), 3)
    came(2, DELAY)
  end

  def retry_stream_never
    failed(generate('never'), 'MODEL_OVERLOADED')
    came(1)
  end

  def error_no_headers
    ended = process('never')
    failed(ended, 'MODEL_OVERLOADED')
    same('headers', ended.headers, {})
  end

  def error_largest
    error = failed(process('largest'), 'ROWS_INVALID')
    same('suggestion', error.suggestion, 'Correct the rows and send them again.')
    same('outcome', error.outcome, :NOT_APPLIED)
  end

  def error_bug
    ended = process('bug')
    error = failed(ended, 'ASYNC_UNEXPECTED_FAILED')
    same('code', error.code, :INTERNAL)
    raise Unmet, 'no request id' if error.request_id.empty?
    raise Unmet, 'the password arrived' if [ended, ended.error.message, error].inspect.include?('hunter2')
  end

  def error_stream_breaks_off
    ended = generate('breaks-off')
    same('pieces', ended.replies.size, 3)
    same('next position', failed(ended, 'TEXT_BROKE_OFF').metadata['nextPosition'], '3')
    came(1)
  end

  def error_client_stream
    pieces = %w[hello fields].map { |text| TranscribeRequest.new(text: text) }
    fixes(failed(call(:transcribe, pieces), 'FIELDS_INVALID'), 'query')
  end

  # The second turn comes once the first was answered.
  def error_bidi
    answers = Queue.new
    turns = Enumerator.new do |out|
      out << ChatRequest.new(message: 'hello')
      out << ChatRequest.new(message: 'fields') if answers.pop
    end
    replies = []
    @stub.chat(turns, deadline: Time.now + 10, metadata: { 'x-visit' => @id }) do |reply|
      replies << reply.message
      answers << reply
    end
    raise Unmet, 'answered'
  rescue GRPC::BadStatus => e
    same('answers', replies, ['hello'])
    fixes(failed(Ended.new([], e), 'FIELDS_INVALID'), 'query')
  ensure
    answers&.close
  end

  def answer_degraded
    ended = process('degraded')
    answered(ended)
    degraded(ended)
  end

  def answer_stream_degraded
    ended = generate('degraded')
    answered(ended, 3)
    degraded(ended)
  end

  def answer_real
    ended = process('hello')
    answered(ended)
    same('mark', Recourse.read_degraded(ended.trailers), nil)
  end
end

SITUATIONS = %w[
  retry/waits retry/never retry/later retry/busy retry/fields retry/stream-waits retry/stream-never
  error/no-headers error/largest error/bug error/stream-breaks-off error/client-stream error/bidi
  answer/degraded answer/stream-degraded answer/real
].freeze

RETRY = JSON.generate(
  methodConfig: [{
    name: [{}],
    retryPolicy: {
      maxAttempts: 4, initialBackoff: '0.01s', maxBackoff: '0.1s', backoffMultiplier: 2,
      retryableStatusCodes: ['UNAVAILABLE']
    }
  }]
)

# Receives a golden error, and reads what the client raised.
def wire(stub, golden)
  as_it_is = ->(bytes) { bytes }
  operation = stub.request_response(
    "/recourse.conformance.Golden/#{golden.name}", '', as_it_is, as_it_is, return_op: true, deadline: Time.now + 10
  )
  got = begin
    operation.execute
    Golden.of_answer(operation.trailing_metadata)
  rescue GRPC::BadStatus => e
    Golden.of_error(e)
  end
  compare(got, golden.report)
end

$failed = false

def tell(name)
  note = yield
  puts "ok #{name}#{" # #{note}" if note.is_a?(String)}"
rescue StandardError => e # whatever it was, the others go on
  $failed = true
  puts "not ok #{name} # #{e.is_a?(Unmet) ? e.message : e.inspect}".scrub.tr("\r\n", ' ')
end

$stdout.sync = true
puts "client grpc #{GRPC::VERSION}"
replay = GRPC::ClientStub.new(ENV.fetch('GOLDEN_ADDR'), :this_channel_is_insecure)
Golden.load.each do |golden|
  tell("file/#{golden.name}") { compare(golden.read, golden.report) }
  tell("wire/#{golden.name}") { wire(replay, golden) } if golden.crosses
end
live = Assistant::V1::Assistant::Stub.new(
  ENV.fetch('LIVE_ADDR'), :this_channel_is_insecure, channel_args: { 'grpc.service_config' => RETRY }
)
SITUATIONS.each do |name|
  tell(name) { Visit.new(live).public_send(name.tr('/-', '_')) }
end
exit !$failed
