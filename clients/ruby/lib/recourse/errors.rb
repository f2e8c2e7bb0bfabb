# frozen_string_literal: true

require 'google/protobuf'
require 'google/protobuf/well_known_types'
require 'google/rpc/error_details_pb'
require 'google/rpc/status_pb'
require 'recourse/v1/degraded_pb'
require 'recourse/v1/error_detail_pb'
require 'recourse/v1/recovery_action_pb'

# What a failed gRPC call tells its caller to do next.
#
#   begin
#     reply = stub.process(request)
#   rescue GRPC::BadStatus => e
#     warn Recourse.read_error(e).suggestion
#   end
#
# Everything in an error, and in the mark of a degraded answer, comes from the network: it is advice for a program and
# for a person, and untrusted. Nothing here acts on it. Texts are clean: one line of valid UTF-8 without control,
# invisible or direction-changing characters, within fixed limits.
module Recourse
  # What a failed call says, or what its code alone means where it says nothing. Enum values are symbols with the names
  # that they have in recourse.v1, without the prefix: :SAME_REQUEST.
  Failure = Struct.new(
    :code,             # the gRPC code, a symbol such as :NOT_FOUND; of those that this version does not know, :UNKNOWN
    :error_code,       # the stable name of the error, what programs compare together with domain; else that of the code
    :domain,           # who defines the error code; empty if the server does not say
    :message,          # what happened, for developers
    :metadata,         # a Hash of what the message has in it that changes from call to call, in the order of its keys
    :suggestion,       # what a person may do next
    :recovery_actions, # Recourse::V1::RecoveryAction, best first; alternatives. action.action names the kind: nil is
    #                    one that this version does not know, whose label is shown, and for which nothing is done
    :required_action,  # the one of them to do before the request makes sense again, or nil; never to wait
    :verdict,          # whether to send the request again: :SAME_REQUEST, :AFTER_ACTION, :AT_HIGHER_LEVEL or :NEVER
    :why,              # the reason for the verdict, such as :OVERLOADED, or nil
    :attempts,         # how many calls the service that gave up has made; 0 if it does not say
    :outcome,          # whether the request took effect, such as :NOT_APPLIED; nil where that is not known
    :retry_delay,      # seconds to wait at least before the request is sent again, nil if the server does not say.
    #                    Never negative, and up to centuries: cap it
    :request_id,       # what to quote to support; empty if there is none
    :operation,        # what failed, where that is not just the method that was called
    keyword_init: true
  )

  # Why an answer is not the real one.
  Degraded = Struct.new(
    :kind,             # how the answer differs: :STALE, :DEFAULT, :PARTIAL, :SUBSTITUTE, or nil where that is not known
    :error_code,       # the error that the real answer ended with; empty if the server does not say
    :domain,           # who defines the error code
    :suggestion,       # what a person may try for a better answer
    :recovery_actions, # what would bring the real answer back, best first; alternatives
    :age,              # how many seconds old the answer is, nil where that is not known
    :source,           # where the answer came from, such as "cache"
    keyword_init: true
  )

  # Reads what a failed call says. The error is a GRPC::BadStatus, or anything else with the methods code, details and
  # metadata; one without them is UNKNOWN. Whatever the server has sent, this does not raise.
  def self.read_error(error)
    if error.respond_to?(:code) && error.respond_to?(:details) && error.respond_to?(:metadata)
      Reading.new(error.code, error.details, error.metadata || {}).failure
    else
      Reading.new(2, error.to_s, {}).failure
    end
  end

  # Reads from the trailing metadata of a call that succeeded, a Hash, whether its answer is degraded; nil if it is the
  # real one. The initial metadata may have the same mark early. Whatever the server has sent, this does not raise.
  #
  #   operation = stub.process(request, return_op: true)
  #   reply = operation.execute
  #   mark = Recourse.read_degraded(operation.trailing_metadata)
  def self.read_degraded(metadata)
    metadata ||= {}
    encoded, words = %w[recourse-degraded-bin recourse-degraded].map { |key| Array(metadata[key]).last }
    return if encoded.nil? && words.nil?

    (encoded && Mark.decode(encoded)) || Mark.of_words(words)
  end

  # The one rule for text that came over the network.
  module Text
    # First and last of a range of characters. Ruby's own idea of their categories changes with its version of Unicode.
    SPACES = [
      [9, 13], [133, 133], [160, 160], [5760, 5760], [8192, 8202], [8232, 8233], [8239, 8239], [8287, 8287],
      [12288, 12288]
    ].freeze
    REMOVED = [
      [0, 8], [14, 31], [127, 132], [134, 159], [173, 173], [847, 847], [1536, 1541], [1564, 1564], [1757, 1757],
      [1807, 1807], [2192, 2193], [2274, 2274], [4447, 4448], [6068, 6069], [6155, 6159], [8203, 8203], [8206, 8207],
      [8234, 8238], [8288, 8303], [10240, 10240], [12644, 12644], [65024, 65037], [65279, 65279], [65440, 65440],
      [65520, 65531], [69821, 69821], [69837, 69837], [78896, 78911], [113824, 113827], [119155, 119162],
      [917504, 921599]
    ].freeze
    CUT = '...'

    def self.any_of(ranges)
      Regexp.new("[#{ranges.map { |first, last| format('\u{%<a>x}-\u{%<b>x}', a: first, b: last) }.join}]")
    end

    SPACE = any_of(SPACES)
    UNSEEN = any_of(REMOVED)
    private_constant :CUT, :SPACE, :UNSEEN

    # Makes valid UTF-8 of what may be none: each run of bytes that are no text becomes one U+FFFD.
    def self.valid(bytes)
      text = bytes.to_s.dup.force_encoding(Encoding::UTF_8)
      return text if text.valid_encoding?

      runs = text.each_char.slice_when { |a, b| a.valid_encoding? != b.valid_encoding? }
      runs.map { |run| run.first.valid_encoding? ? run.join : "\ufffd" }.join
    end

    # Makes text safe to show on one line, in at most limit bytes.
    def self.clean(text, limit)
      kept = valid(text).gsub(SPACE, ' ').gsub(UNSEEN, '').strip
      return kept if kept.bytesize <= limit

      kept.byteslice(0, limit - CUT.bytesize).scrub('').rstrip + CUT
    end
  end

  # Encoded messages, field by field: decoders refuse a whole message for one byte in it that is no text.
  module Wire
    VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = *0..5

    # The bytes are no message.
    class Broken < StandardError; end

    # value is there of BYTES only; raw is all of the field.
    Field = Struct.new(:number, :kind, :value, :raw)

    # Decodes a message, its strings made UTF-8; nil for bytes that are no message. A decoder sees no field in an entry of a
    # map but its key and its value: for any other, that of google-protobuf 3.21 writes where it must not.
    def self.decode(type, bytes)
      type.decode(mend(type.descriptor, bytes))
    rescue Google::Protobuf::ParseError, Broken
      nil
    end

    def self.fields(bytes)
      bytes = bytes.b
      at = 0
      found = []
      while at < bytes.bytesize
        start = at
        number, kind, at = tag(bytes, at)
        value = nil
        if kind == BYTES
          value, at = bytes_at(bytes, at)
        else
          at = skip(bytes, at, number, kind)
        end
        raise Broken, 'a field is longer than its message' if at > bytes.bytesize

        found << Field.new(number, kind, value, bytes.byteslice(start, at - start))
      end
      found
    end

    def self.mend(type, bytes)
      known = type.to_h { |field| [field.number, field] }
      fields(bytes).map do |field|
        declared = known[field.number] if field.kind == BYTES
        case declared&.type
        when :string then encode(field.number, Text.valid(field.value))
        when :message
          inner = mend(declared.subtype, field.value)
          inner = entry(inner) if map?(type, declared)
          encode(field.number, inner)
        else field.raw
        end
      end.join
    end

    def self.map?(type, field)
      field.label == :repeated && type.msgclass.new[field.name].is_a?(Google::Protobuf::Map)
    end

    # Keeps the key and the value of an entry of a map, of texts as all that are read.
    def self.entry(bytes)
      fields(bytes).select { |field| field.kind == BYTES && field.number.between?(1, 2) }.map(&:raw).join
    end

    def self.encode(number, bytes)
      (number_of((number << 3) | BYTES) + number_of(bytes.bytesize) + bytes.b).b
    end

    def self.number_of(value)
      out = []
      while value >= 0x80
        out << ((value & 0x7f) | 0x80)
        value >>= 7
      end
      (out << value).pack('C*')
    end

    # Returns where a field ends that is not BYTES, which may be a group of fields.
    def self.skip(bytes, at, number, kind)
      open = []
      loop do
        case kind
        when VARINT then _, at = varint(bytes, at)
        when FIXED64 then at += 8
        when FIXED32 then at += 4
        when GROUP then open << number
        when END_GROUP then raise Broken, 'a group ends that has not begun' if open.pop != number
        else _, at = bytes_at(bytes, at)
        end
        return at if open.empty?

        number, kind, at = tag(bytes, at)
      end
    end

    def self.tag(bytes, at)
      tag, at = varint(bytes, at)
      number = tag >> 3
      kind = tag & 7
      raise Broken, 'no such field' unless number.between?(1, (1 << 29) - 1) && kind <= FIXED32

      [number, kind, at]
    end

    def self.bytes_at(bytes, at)
      size, at = varint(bytes, at)
      raise Broken, 'a field is longer than its message' if size > bytes.bytesize - at

      [bytes.byteslice(at, size), at + size]
    end

    def self.varint(bytes, at)
      value = 0
      10.times do |i|
        byte = bytes.getbyte(at + i) or raise Broken, 'a number is cut off'
        value |= (byte & 0x7f) << (7 * i)
        return [value, at + i + 1] if byte < 0x80 && value < 1 << 64
      end
      raise Broken, 'a number is too long'
    end

    private_class_method :mend, :map?, :entry, :encode, :number_of, :skip, :tag, :bytes_at, :varint
  end

  # What errors and marks have in common.
  module Parts
    MAX_ACTIONS = 5
    MAX_ITEMS = 25
    MAX_TEXT = 256
    MAX_LABEL = 80
    MAX_SECONDS = 315_576_000_000
    MAX_MILLISECONDS = 9_223_372_036_854

    # Decodes an ErrorDetail without its lists, of which one broken entry would spoil the rest, and its recovery actions
    # that do decode. Returns nil for bytes that are no message.
    def self.split(bytes)
      type = V1::ErrorDetail
      lists = type.descriptor.select { |f| f.label == :repeated }.map(&:number)
      inside, rest = Wire.fields(bytes).partition { |f| f.kind == Wire::BYTES && lists.include?(f.number) }
      message = Wire.decode(type, rest.map(&:raw).join.b) or return
      number = type.descriptor.lookup('recovery_actions').number
      actions = inside.select { |f| f.number == number }.filter_map { |f| Wire.decode(V1::RecoveryAction, f.value) }
      [message, offered(actions)]
    rescue Wire::Broken
      nil
    end

    # Returns the first five actions that may be shown, clean.
    def self.offered(actions)
      actions = actions.select { |a| a.open_link.nil? || a.open_link.url.start_with?('https://') }
      actions.first(MAX_ACTIONS).each do |action|
        tidy(action)
        action.label = Text.clean(action.label, MAX_LABEL)
      end
    end

    # Cleans every text of a message, and cuts its lists.
    def self.tidy(message)
      message.class.descriptor.each do |field|
        case value = message[field.name]
        when Google::Protobuf::Map
          entries = value.to_h.sort.map { |pair| pair.map { |text| Text.clean(text, MAX_TEXT) } } # of texts, as all in actions
          value.clear
          entries.each { |k, v| value[k] = v }
        when Google::Protobuf::RepeatedField
          value.replace(value.first(MAX_ITEMS).map { |item| tidied(field, item) })
        when nil then next
        else
          clean = tidied(field, value)
          message[field.name] = clean if field.type == :string
        end
      end
    end

    def self.tidied(field, value)
      case field.type
      when :string then Text.clean(value, MAX_TEXT)
      when :message then value.tap { tidy(value) }
      else value
      end
    end

    # Returns whole milliseconds, -1 for all that is negative; nil for no valid duration.
    def self.milliseconds(duration)
      seconds = duration.seconds
      nanos = duration.nanos
      return if seconds.abs > MAX_SECONDS || nanos.abs >= 1_000_000_000
      return if (seconds.positive? && nanos.negative?) || (seconds.negative? && nanos.positive?)
      return -1 if seconds.negative? || nanos.negative?

      [(seconds * 1000) + (nanos / 1_000_000), MAX_MILLISECONDS].min
    end

    # Returns the name of an enum's value, nil for the first and for a number that this version does not know.
    def self.word(value, prefix)
      name = value.to_s
      name.delete_prefix(prefix).to_sym if name.start_with?(prefix) && name != "#{prefix}UNSPECIFIED"
    end

    private_class_method :tidy, :tidied
  end

  # What a gRPC code alone tells a caller.
  module Usual
    Advice = Struct.new(:name, :verdict, :suggestion, :kind, :actor, :label) do
      # A new one: its user may change it.
      def actions
        return [] unless kind

        body = V1::RecoveryAction.descriptor.lookup(kind.to_s).subtype.msgclass.new
        [V1::RecoveryAction.new(actor: :"ACTOR_#{actor}", label: label, kind => body)]
      end
    end

    LATER = 'Try again in a few moments or check system status.'
    REPORT = 'Please report this issue to support.'
    SUPPORT = [:NEVER, REPORT, :contact_support, :END_USER, 'Contact support'].freeze
    ADVICE = {
      1 => [:CANCELLED, :NEVER, 'Nothing to do: the call was cancelled.'],
      2 => [:UNKNOWN, *SUPPORT],
      3 => [:INVALID_ARGUMENT, :AFTER_ACTION, 'Correct the request and send it again.',
            :fix_fields, :CALLER_CODE, 'Correct the request'],
      4 => [:DEADLINE_EXCEEDED, :NEVER, LATER],
      5 => [:NOT_FOUND, :NEVER, 'Check the name or id and try again.'],
      6 => [:ALREADY_EXISTS, :NEVER, 'Use what exists already, or choose another name.'],
      7 => [:PERMISSION_DENIED, :AFTER_ACTION, 'Ask an administrator for access.',
            :request_access, :ADMIN, 'Request access'],
      8 => [:RESOURCE_EXHAUSTED, :NEVER, 'Wait before you try again, or ask for a higher limit.',
            :wait_for_quota, :CALLER_CODE, 'Wait for the limit to renew'],
      9 => [:FAILED_PRECONDITION, :AFTER_ACTION,
            'Bring the system into the state that the request needs, then send it again.',
            :refresh, :CALLER_CODE, 'Read the current state'],
      10 => [:ABORTED, :AT_HIGHER_LEVEL, 'Start the whole operation again.',
             :restart_transaction, :CALLER_CODE, 'Restart the transaction'],
      11 => [:OUT_OF_RANGE, :AFTER_ACTION, 'Correct the value and send the request again.',
             :fix_fields, :CALLER_CODE, 'Correct the value'],
      12 => [:UNIMPLEMENTED, :NEVER, 'Check the version of the client and of the server.',
             :upgrade_client, :SERVICE_OWNER, 'Update the client'],
      13 => [:INTERNAL, *SUPPORT],
      14 => [:UNAVAILABLE, :SAME_REQUEST, LATER, :retry_after, :CLIENT, 'Try again'],
      15 => [:DATA_LOSS, *SUPPORT],
      16 => [:UNAUTHENTICATED, :AFTER_ACTION, 'Sign in again.', :reauthenticate, :END_USER, 'Sign in again']
    }.transform_values { |values| Advice.new(*values).freeze }.freeze
    NOT_NOW = Advice.new(nil, :NEVER, 'Repeating the request will not help now.').freeze
    UNKNOWN = 2

    def self.of(code)
      ADVICE[code] || ADVICE[UNKNOWN]
    end

    # Returns what to suggest for an error that suggests nothing. A verdict that it states goes before its code.
    def self.guidance(code, stated)
      own = of(code)
      return own if stated.nil? || stated == own.verdict

      case stated
      when :SAME_REQUEST then own.verdict == :NEVER ? own : ADVICE[14]
      when :AT_HIGHER_LEVEL then ADVICE[10]
      when :NEVER then NOT_NOW # which UNKNOWN, INTERNAL and DATA_LOSS say themselves
      else own
      end
    end
  end

  # Collects what the parts of a call say.
  class Reading
    MAX_DETAILS = 32
    MAX_BYTES = 64 << 10 # of all details
    MAX_ENTRIES = 64
    MAX_KEY = 64
    # Outcome and verdict, where a server could not send an ErrorDetail.
    OUTCOME_KEY = 'recourseOutcome'
    VERDICT_KEY = 'recourseRetry'

    def initialize(code, said, trailers)
      @code = code
      status = status_in(trailers)
      @message = Text.clean(status ? status.message : said, 256)
      @details = status ? within_limits(status.details) : []
      @error_code = @domain = @suggestion = @operation = ''
      @metadata = {}
      @actions = []
      @attempts = 0
      read_info
      read_error_details
      read_metadata
      @delay = delay
      @request_id = request_id(trailers)
    end

    def failure
      guidance = Usual.guidance(@code, @verdict)
      actions = @actions.empty? ? guidance.actions : @actions
      # What somebody said before somebody else ruled it out.
      actions = actions.reject { |a| a.retry_after && a.actor == :ACTOR_CLIENT } if @verdict == :NEVER
      name = Usual.of(@code).name
      Failure.new(
        code: name, error_code: said_or(@error_code, name.to_s.encode(Encoding::UTF_8)), domain: @domain, message: @message,
        metadata: @metadata, suggestion: said_or(@suggestion, guidance.suggestion), recovery_actions: actions,
        required_action: @actions.find { |a| a.required && a.retry_after.nil? },
        verdict: @verdict || usual_verdict(guidance), why: @why, attempts: @attempts,
        outcome: @outcome || (:INDETERMINATE if %i[CANCELLED DEADLINE_EXCEEDED].include?(name)),
        retry_delay: @delay, request_id: @request_id, operation: @operation
      )
    end

    private

    def said_or(said, usual)
      said.empty? ? usual : said
    end

    def usual_verdict(guidance)
      name = Usual.of(@code).name
      again = (name == :RESOURCE_EXHAUSTED && @delay) || (name == :DEADLINE_EXCEEDED && @outcome == :NOT_APPLIED)
      again ? :SAME_REQUEST : guidance.verdict
    end

    def status_in(trailers)
      encoded = Array(trailers['grpc-status-details-bin']).first or return
      status = Wire.decode(Google::Rpc::Status, encoded)
      status if status && status.code == @code
    end

    def within_limits(details)
      size = 0
      details.first(MAX_DETAILS).take_while { |d| (size += d.type_url.bytesize + d.value.bytesize) <= MAX_BYTES }
    end

    # Returns the values of the details of a type: what comes after the last slash.
    def of(type)
      @details.select { |d| d.type_url.rpartition('/').last == type.descriptor.name }.map(&:value)
    end

    def read_info
      info = of(Google::Rpc::ErrorInfo).lazy.filter_map { |encoded| Wire.decode(Google::Rpc::ErrorInfo, encoded) }.first or return
      @error_code = Text.clean(info.reason, 63)
      @domain = Text.clean(info.domain, 253)
      entries = info.metadata.to_h.sort.select { |key, value| entry?(key, value) }
      @metadata = entries.first(MAX_ENTRIES).to_h { |key, value| [key, Text.clean(value, MAX_BYTES)] }
    end

    def entry?(key, value)
      return false if key.empty? || key.bytesize > MAX_KEY || Text.clean(key, MAX_KEY) != key

      ![OUTCOME_KEY, VERDICT_KEY].include?(key) || value.bytesize <= MAX_KEY
    end

    def read_error_details
      of(V1::ErrorDetail).each do |encoded|
        detail, actions = Parts.split(encoded)
        next if detail.nil? || !about_this?(Text.clean(detail.error_code, 63), Text.clean(detail.domain, 253))

        @suggestion = said_or(@suggestion, Text.clean(detail.suggestion, 256))
        @operation = said_or(@operation, Text.clean(detail.operation, 256))
        @actions = actions if @actions.empty?
        @outcome ||= Parts.word(detail.outcome, 'OUTCOME_')
        read_advice(detail.retry) if detail.retry && !@advised
      end
    end

    # Otherwise a server in between has changed the error and left the detail behind.
    def about_this?(error_code, domain)
      @error_code, @domain = error_code, domain if @error_code.empty? && @domain.empty?
      [error_code, domain] == [@error_code, @domain]
    end

    def read_advice(advice)
      @advised = true
      @verdict = advice.verdict.is_a?(Integer) ? :NEVER : Parts.word(advice.verdict, 'VERDICT_')
      @why = Parts.word(advice.why, 'WHY_')
      @attempts = advice.attempts
    end

    def read_metadata
      @outcome ||= named(V1::Outcome, 'OUTCOME_', @metadata[OUTCOME_KEY])
      verdict = @metadata[VERDICT_KEY].to_s
      return if @advised || ['', 'UNSPECIFIED'].include?(verdict)

      @verdict = named(V1::RetryAdvice::Verdict, 'VERDICT_', verdict) || :NEVER
    end

    def named(type, prefix, name)
      value = :"#{prefix}#{name}"
      Parts.word(value, prefix) if type.resolve(value)
    end

    def delay
      of(Google::Rpc::RetryInfo).each do |encoded|
        info = Wire.decode(Google::Rpc::RetryInfo, encoded)
        found = info&.retry_delay && Parts.milliseconds(info.retry_delay)
        return [found, 0].max / 1000.0 if found
      end
      nil
    end

    def request_id(trailers)
      told = of(Google::Rpc::RequestInfo).map do |encoded|
        Text.clean(Wire.decode(Google::Rpc::RequestInfo, encoded)&.request_id, 128)
      end
      told.find { |id| !id.empty? } || Text.clean(Array(trailers['x-request-id']).first, 128)
    end
  end

  # Makes a Degraded of what the trailers have.
  module Mark
    MAX_BYTES = 8192
    NOT_SAID = 'not said'

    def self.decode(encoded)
      return if encoded.bytesize > MAX_BYTES

      said = Wire.decode(V1::Degraded, encoded)
      said && of(said)
    end

    def self.of(said)
      error_code = Text.clean(said.error_code, 63)
      age = said.age && Parts.milliseconds(said.age)
      mark = Degraded.new(
        kind: Parts.word(said.kind, 'KIND_'), error_code: error_code,
        domain: error_code.empty? ? '' : Text.clean(said.domain, 253), suggestion: Text.clean(said.suggestion, 256),
        recovery_actions: Parts.offered(said.recovery_actions), age: (age / 1000.0 if age && age >= 0), source: Text.clean(said.source, 64)
      )
      mark.source = NOT_SAID if mark.all? { |value| value.nil? || (value.respond_to?(:empty?) && value.empty?) }
      mark
    end

    # Reads the mark that stands beside the encoded one for logs and gateways, such as stale;age=40.
    def self.of_words(words)
      kind = :"KIND_#{Text.clean(Text.valid(words).partition(';').first, 64).upcase(:ascii)}"
      kind = :KIND_UNSPECIFIED unless V1::Degraded::Kind.resolve(kind)
      Degraded.new(kind: Parts.word(kind, 'KIND_'), error_code: '', domain: '', suggestion: '', recovery_actions: [],
                   source: NOT_SAID)
    end

    private_class_method :of
  end

  private_constant :Text, :Wire, :Parts, :Usual, :Reading, :Mark
end
