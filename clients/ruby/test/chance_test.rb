# frozen_string_literal: true

require 'golden'
require 'minitest/autorun'

# Whatever a server sends, the reader reports, and what it reports keeps to the limits.
class ChanceTest < Minitest::Test
  ROUNDS = Integer(ENV.fetch('ROUNDS', '4000'))
  CASES = Golden.load
  WIRE = Recourse.const_get(:Wire)

  def setup
    @random = Random.new(20_261_123)
    text = Recourse.const_get(:Text)
    @unclean = Regexp.union((text::SPACES + text::REMOVED).flatten.reject { |c| c == 32 }.map { |c| c.chr(Encoding::UTF_8) })
  end

  def test_errors_of_anything
    spoiled = 0
    ROUNDS.times do
      golden = pick(CASES)
      sent = below(20).zero? ? @random.bytes(below(300)) : shake(golden.failed.metadata['grpc-status-details-bin'].to_s, 6)
      code = below(10).zero? ? pick([-1, 0, 1, 16, 17, 1 << 40]) : golden.failed.code
      trailers = { 'grpc-status-details-bin' => sent, 'x-request-id' => break_up('req-1') }
      error = Recourse.read_error(Golden::Failed.new(code, break_up(golden.failed.details), trailers))
      check(error)
      spoiled += 1 unless WIRE.decode(Google::Rpc::Status, sent)
    end
    assert_operator spoiled, :<, ROUNDS / 2 # or most of it tested nothing
  end

  def test_marks_of_anything
    marks = CASES.filter_map { |golden| golden.failed.metadata['recourse-degraded-bin'] }
    ROUNDS.times do
      mark = Recourse.read_degraded({ 'recourse-degraded-bin' => shake(pick(marks), 4), 'recourse-degraded' => break_up('stale;age=40') })
      { error_code: 63, domain: 253, suggestion: 256, source: 64 }.each { |name, limit| clean(mark[name], limit) }
      actions(mark.recovery_actions)
      assert mark.age.nil? || mark.age >= 0
    end
  end

  private

  def check(error)
    { error_code: 63, domain: 253, message: 256, suggestion: 256, request_id: 128, operation: 256 }.each do |name, limit|
      clean(error[name], limit)
    end
    error.metadata.each do |key, value|
      clean(key, 64)
      clean(value, 64 << 10)
    end
    actions(error.recovery_actions)
    assert_includes %i[SAME_REQUEST AFTER_ACTION AT_HIGHER_LEVEL NEVER], error.verdict
    refute_empty error.error_code
    refute_empty error.suggestion
    assert_operator error.metadata.size, :<=, 64
    assert error.retry_delay.nil? || error.retry_delay >= 0
  end

  def actions(actions)
    assert_operator actions.size, :<=, 5
    actions.each do |action|
      clean(action.label, 80)
      inside(action)
      assert action.open_link.nil? || action.open_link.url.start_with?('https:')
    end
  end

  def inside(message)
    message.class.descriptor.each do |field|
      value = message[field.name]
      items = case value
              when Google::Protobuf::Map then value.to_h.to_a.flatten
              when Google::Protobuf::RepeatedField
                assert_operator value.size, :<=, 25
                value.to_a
              else [value]
              end
      items.each do |item|
        if item.is_a?(Google::Protobuf::MessageExts) then inside(item)
        elsif item.is_a?(String) && field.type != :bytes then clean(item, 256)
        end
      end
    end
  end

  def clean(text, limit)
    assert text.encoding == Encoding::UTF_8 && text.valid_encoding?, "#{text.encoding} #{text.inspect}"
    assert_operator text.bytesize, :<=, limit
    refute_match @unclean, text
    assert_equal text.strip, text
  end

  def below(limit)
    @random.rand(limit)
  end

  def pick(from)
    from[below(from.size)]
  end

  # Changes, cuts out or repeats a few bytes.
  def break_up(text)
    bytes = text.b
    below(4).times do
      at = below(bytes.bytesize + 1)
      new = below(2).zero? ? @random.bytes(below(6)) : bytes.byteslice(at, 9)
      bytes = bytes.byteslice(0, at) + new + (bytes.byteslice(at + below(3)..) || '')
    end
    bytes
  end

  # Breaks parts of a message inside, so that what is around them still decodes.
  def shake(message, depth)
    fields = WIRE.fields(message)
    return break_up(message) if depth.zero? || below(4).zero? || fields.empty?

    i = below(fields.size)
    made = fields.map(&:raw)
    made[i] = if fields[i].kind == WIRE::BYTES
                WIRE.send(:encode, fields[i].number, shake(fields[i].value, depth - 1))
              else
                break_up(made[i])
              end
    made.join.b
  rescue WIRE::Broken
    break_up(message)
  end
end
