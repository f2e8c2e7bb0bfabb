# frozen_string_literal: true

require 'golden'
require 'minitest/autorun'

# Rules of conformance/README.md in cases that no golden file has.
class RulesTest < Minitest::Test
  include Recourse::V1

  IDENTITY = { error_code: 'BOOK_ON_LOAN', domain: 'library.example.com' }.freeze

  def any(message)
    Google::Protobuf::Any.pack(message)
  end

  def info(**metadata)
    any(Google::Rpc::ErrorInfo.new(reason: 'BOOK_ON_LOAN', domain: 'library.example.com', metadata: metadata.transform_keys(&:to_s)))
  end

  def said(**fields)
    any(ErrorDetail.new(**IDENTITY, **fields))
  end

  def raw(type, bytes)
    Google::Protobuf::Any.new(type_url: "x/#{type}", value: bytes)
  end

  def read(*details, code: 9, trailers: {})
    status = Google::Rpc::Status.new(code: 9, message: 'said in the status', details: details)
    trailers = { 'grpc-status-details-bin' => Google::Rpc::Status.encode(status) }.merge(trailers)
    Recourse.read_error(GRPCLike.new(code, 'said by the call', trailers))
  end

  GRPCLike = Struct.new(:code, :details, :metadata)

  def test_what_is_no_error_of_a_call_is_unknown
    e = Recourse.read_error(RuntimeError.new("a\nb"))
    assert_equal [:UNKNOWN, 'a b', :NEVER], [e.code, e.message, e.verdict]
    assert_equal :UNKNOWN, Recourse.read_error(GRPCLike.new(nil, nil, nil)).code
  end

  def test_status_of_another_code_is_not_read
    e = read(info, code: 5)
    assert_equal ['NOT_FOUND', 'said by the call'], [e.error_code, e.message]
  end

  def test_metadata_are_sorted_before_they_are_cut
    e = read(info(**(0...70).to_h { |i| [:"key#{format('%02d', 69 - i)}", 'x'] }))
    assert_equal((0...64).map { |i| format('key%02d', i) }, e.metadata.keys)
  end

  def test_metadata_that_stand_for_an_error_detail_are_short
    e = read(info(recourseOutcome: "APPLIED#{' ' * 58}", recourseRetry: 'N' * 65))
    assert_equal [{}, nil, :AFTER_ACTION], [e.metadata, e.outcome, e.verdict]
  end

  def test_each_error_detail_says_what_those_before_have_left_empty
    first = said(outcome: 1, retry: { verdict: 1, why: 2, attempts: 3 }, recovery_actions: [{ label: 'first' }])
    second = said(outcome: 2, retry: { verdict: 4, why: 3, attempts: 4 }, recovery_actions: [{ label: 'x' }], operation: 'Lend')
    e = read(info, first, second)
    assert_equal ['first'], e.recovery_actions.map(&:label)
    assert_equal [:NOT_APPLIED, :SAME_REQUEST, :OVERLOADED, 3, 'Lend'], [e.outcome, e.verdict, e.why, e.attempts, e.operation]
  end

  def test_to_wait_is_no_required_action
    wait = { label: 'wait', required: true, retry_after: {} }
    assert_nil read(info, said(recovery_actions: [wait])).required_action
    renew = { label: 'renew', required: true, reauthenticate: {} }
    assert_equal 'renew', read(info, said(recovery_actions: [wait, renew])).required_action.label
  end

  def test_what_is_not_to_wait_stays
    renew = { actor: 1, reauthenticate: {} }
    assert_equal [:reauthenticate], read(info, said(retry: { verdict: 4 }, recovery_actions: [renew])).recovery_actions.map(&:action)
  end

  def test_key_at_the_limit_stays
    assert_equal ['k' * 64], read(info("#{'k' * 64}": 'x', "#{'l' * 65}": 'x')).metadata.keys
  end

  def test_texts_within_an_action_are_clean
    fix = { field: "a\u202eb", allowed_values: ["c\n", 'd' * 300] + (['e'] * 30), suggested_value: ' f ' }
    action, call = read(
      info, said(recovery_actions: [{ label: 'x' * 81, fix_fields: { fixes: [fix] } }, { call_method: { copy_fields: { "g\t" => "\nh" } } }])
    ).recovery_actions
    fix = action.fix_fields.fixes.first
    assert_equal ['ab', 'f', 25, 'c', 256], [fix.field, fix.suggested_value, fix.allowed_values.size, fix.allowed_values[0], fix.allowed_values[1].size]
    assert_equal "#{'x' * 77}...", action.label
    assert_equal({ 'g' => 'h' }, call.call_method.copy_fields.to_h)
  end

  def test_entries_of_lists_that_do_not_decode_cost_nothing_else
    encoded = ErrorDetail.encode(ErrorDetail.new(**IDENTITY, suggestion: 'Look.'))
    assert_equal 'Look.', read(info, raw('recourse.v1.ErrorDetail', "#{encoded.b}\x42\x01\xff\x22\x01\xff".b)).suggestion
  end

  # Of which google-protobuf 3.21 makes a crash of the whole process.
  def test_unknown_fields_in_entries_of_maps
    [1, 9, 300].each do |size|
      entry = "\x0a\x01a\x12\x01b".b + encoded(9, 'z' * size)
      identity = ErrorDetail.encode(ErrorDetail.new(**IDENTITY)).b
      info = raw('google.rpc.ErrorInfo', "\x0a\x0cBOOK_ON_LOAN\x12\x13library.example.com".b + encoded(3, entry))
      e = read(info, raw('recourse.v1.ErrorDetail', identity + encoded(4, encoded(104, encoded(2, entry)))))
      assert_equal [{ 'a' => 'b' }] * 2, [e.metadata, e.recovery_actions.first.call_method.copy_fields.to_h]
    end
  end

  def encoded(number, bytes)
    Recourse.const_get(:Wire).send(:encode, number, bytes)
  end

  def test_lengths_beyond_all_memory
    longest = "#{"\xff".b * 9}\x01".b
    ["\x22".b + longest, "\x9b\x06\x22".b + longest].each do |detail| # within an unknown group, too
      assert_equal 'BOOK_ON_LOAN', read(info, raw('recourse.v1.ErrorDetail', detail)).error_code
    end
  end

  def test_delay_after_retry_infos_that_do_not_decode
    good = any(Google::Rpc::RetryInfo.new(retry_delay: { seconds: 2 }))
    assert_equal 2.0, read(raw('google.rpc.RetryInfo', "\x0a".b), raw('google.rpc.RetryInfo', "\x0a\x01\xff".b), good).retry_delay
  end

  def test_delays
    {
      [315_576_000_000, 0] => 9_223_372_036.854, [315_576_000_001, 0] => nil, [-315_576_000_001, 0] => nil,
      [0, 999_999_999] => 0.999, [0, 1_000_000_000] => nil, [0, -1_000_000_000] => nil, [1, -1] => nil, [-1, 1] => nil
    }.each do |(seconds, nanos), delay|
      info = Google::Rpc::RetryInfo.new(retry_delay: { seconds: seconds, nanos: nanos })
      assert_equal [delay], [read(any(info)).retry_delay], "#{seconds} s, #{nanos} ns"
    end
    mark = Degraded.encode(Degraded.new(source: 'cache', age: { nanos: -1 }))
    assert_nil Recourse.read_degraded({ 'recourse-degraded-bin' => mark }).age
  end

  def test_domain_alone_is_an_identity
    info = any(Google::Rpc::ErrorInfo.new(domain: 'library.example.com'))
    assert_equal 'FAILED_PRECONDITION', read(info, said(suggestion: 'Look.')).error_code
  end

  def test_verdict_of_the_metadata
    { 'UNSPECIFIED' => :AFTER_ACTION, 'SAME_REQUEST' => :SAME_REQUEST, 'Never' => :NEVER, '' => :AFTER_ACTION }.each do |name, verdict|
      assert_equal verdict, read(info(recourseRetry: name)).verdict, name
    end
  end

  def test_request_id_of_the_trailers
    assert_equal 'one', read(trailers: { 'x-request-id' => %w[one two] }).request_id
    assert_equal 128, read(trailers: { 'x-request-id' => 'x' * 129 }).request_id.bytesize
  end

  def test_bytes_that_are_no_text
    message = ->(text) { Recourse.read_error(GRPCLike.new(5, text.b, {})).message }
    assert_equal "a\ufffdb", message["a\xff\xfeb"]
    assert_equal "a\ufffdb", message["a\xed\xa0\x80b"]
    assert_equal "a\ufffd", message["a\xe2\x82"]
    assert_equal "#{'ä' * 126}...", message['ä' * 129]
  end

  def test_marks
    mark = ->(**fields) { Degraded.encode(Degraded.new(**fields)) }
    assert_nil Recourse.read_degraded(nil)
    assert_equal :DEFAULT, Recourse.read_degraded({ 'recourse-degraded-bin' => [mark[kind: 1], mark[kind: 2]] }).kind
    assert_equal :PARTIAL, Recourse.read_degraded({ 'recourse-degraded' => ['stale', ' partial ;age=1'] }).kind
    link = { label: 'Run', open_link: { url: 'javascript:alert(1)' } }
    d = Recourse.read_degraded({ 'recourse-degraded-bin' => mark[kind: 1, suggestion: "\n", recovery_actions: [link], source: ' cache '] })
    assert_equal ['', [], 'cache'], [d.suggestion, d.recovery_actions, d.source]
  end

  def test_mark_is_read_up_to_its_limit
    { 8192 => 'cache', 8193 => 'not said' }.each do |size, source|
      mark = Degraded.encode(Degraded.new(source: 'cache')).b
      filling = size - mark.bytesize - 4
      mark << [0xfa, 0x06, 0x80 | (filling & 0x7f), filling >> 7].pack('C*') << ('x' * filling)
      assert_equal [size, source], [mark.bytesize, Recourse.read_degraded({ 'recourse-degraded-bin' => mark }).source]
    end
  end
end
