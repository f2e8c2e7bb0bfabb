# frozen_string_literal: true

# A client of the assistant in examples/server that tells a person what to do when a call fails.

root = File.expand_path('../..', __dir__)
$LOAD_PATH.unshift("#{root}/clients/ruby/lib", "#{root}/gen/ruby")

require 'assistant/v1/assistant_services_pb'
require 'json'
require 'optparse'
require 'recourse/errors'
require 'securerandom'

include Assistant::V1

FAILED = 1
USAGE = 2
LATER = 75 # scripts may try again later

# Calls are repeated as the server allows: it names the delay, and rules repeats out, in the trailers of its errors.
RETRY = JSON.generate(
  methodConfig: [{
    name: [{ service: 'assistant.v1.Assistant' }],
    retryPolicy: {
      maxAttempts: 3, initialBackoff: '0.1s', maxBackoff: '2s', backoffMultiplier: 2, retryableStatusCodes: ['UNAVAILABLE']
    }
  }]
)

WHO = {
  ACTOR_CLIENT: 'program', ACTOR_CALLER_CODE: 'developer', ACTOR_ADMIN: 'your admin', ACTOR_SERVICE_OWNER: 'operator'
}.freeze

# Shows an error and returns the exit code.
def explain(error)
  warn "#{error.message} [#{error.error_code}]", error.suggestion
  show(error.recovery_actions)
  warn "Try again in #{error.retry_delay.ceil} seconds." if error.retry_delay
  warn "Request id #{error.request_id}" unless error.request_id.empty?
  error.verdict == :SAME_REQUEST ? LATER : FAILED
end

# Says that an answer is not the real one.
def explain_mark(mark)
  source = mark.source.empty? ? 'an unknown source' : mark.source
  warn "This is not the real answer: #{(mark.kind || :degraded).downcase}, from #{source}."
  warn mark.suggestion unless mark.suggestion.empty?
  show(mark.recovery_actions)
end

def show(actions)
  actions.each do |action|
    next if action.label.empty? # of a later version, without words

    more = more(action)
    warn "- #{WHO.fetch(action.actor, 'you')}: #{action.label}#{" (#{more})" unless more.empty?}"
  end
end

# Says what an action asks for beyond its label. Nothing is carried out: that is for people.
def more(action)
  case action.action
  when :fix_fields
    action.fix_fields.fixes.map { |f| [f.field, f.suggested_value].reject(&:empty?).join(' = ') }.join(', ')
  when :open_link then action.open_link.url
  when :contact_support
    [action.contact_support.channel, action.contact_support.reference].reject(&:empty?).join(' ')
  else ''
  end
end

def classify(stub, (text), _options, call)
  reply = stub.classify_intent(ClassifyIntentRequest.new(query: text), **call)
  puts "#{reply.intent} (#{(100 * reply.confidence).round} %)"
end

# With an id the request may be sent again: it is recorded once.
def process(stub, (text), options, call)
  operation = stub.process(ProcessRequest.new(query: text, request_id: options[:id]), return_op: true, **call)
  puts operation.execute.answer
  mark = Recourse.read_degraded(operation.trailing_metadata)
  explain_mark(mark) if mark
end

def generate(stub, (text), _options, call)
  stub.generate(GenerateRequest.new(prompt: text), **call) { |piece| print piece.text }
ensure
  puts
end

def transcribe(stub, pieces, _options, call)
  sent = pieces.map do |piece|
    next TranscribeRequest.new(text: piece) unless piece.start_with?('@')

    TranscribeRequest.new(audio: File.binread(piece.delete_prefix('@')))
  end
  puts stub.transcribe(sent, **call).transcript
end

# Each turn waits for the answer to the one before.
def chat(stub, turns, _options, call)
  answered = Queue.new
  said = Enumerator.new do |out|
    turns.each do |turn|
      out << ChatRequest.new(message: turn)
      break unless answered.pop
    end
  end
  stub.chat(said, **call) do |answer|
    puts answer.message
    answered << true
  end
ensure
  answered&.close
end

options = { addr: '127.0.0.1:50051', token: ENV.fetch('ASSISTANT_TOKEN', ''), id: SecureRandom.uuid }
parser = OptionParser.new('Usage: client.rb [options] classify|process|generate|transcribe|chat TEXT...') do |o|
  o.on('--addr ADDRESS', 'of the assistant')
  o.on('--token TOKEN', 'bearer token; by default $ASSISTANT_TOKEN')
  o.on('--id ID', 'names a request to process, so that a repeat is recorded once')
end
begin
  command, *words = parser.parse(ARGV, into: options)
rescue OptionParser::ParseError => e
  warn e.message
end
unless %w[classify process generate transcribe chat].include?(command) && !words.empty?
  warn parser
  exit USAGE
end

stub = Assistant::V1::Assistant::Stub.new(
  options[:addr], :this_channel_is_insecure, channel_args: { 'grpc.service_config' => RETRY }
)
call = { deadline: Time.now + 30, metadata: { 'authorization' => "Bearer #{options[:token]}" } }
begin
  send(command, stub, words, options, call)
rescue GRPC::BadStatus => e
  exit explain(Recourse.read_error(e))
end
