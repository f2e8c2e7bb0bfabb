# frozen_string_literal: true

require 'golden'
require 'minitest/autorun'

class GoldenTest < Minitest::Test
  Golden.load.each do |golden|
    define_method("test_#{golden.name}") { assert_equal golden.report, golden.read }
  end

  def test_metadata_is_in_the_order_of_its_keys
    everything = Golden.load.find { |golden| golden.name == 'everything' }
    assert_equal %w[floor shelf], everything.read['metadata'].keys
  end

  def test_ranges_of_characters_are_those_of_every_reader
    table = JSON.parse(File.read(File.join(Golden::FOLDER, '../text.json')))
    text = Recourse.const_get(:Text)
    assert_equal table, { 'spaces' => text::SPACES, 'removed' => text::REMOVED }
  end
end
