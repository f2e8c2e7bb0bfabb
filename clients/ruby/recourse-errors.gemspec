# frozen_string_literal: true

Gem::Specification.new do |spec|
  spec.name = 'recourse-errors'
  spec.version = '0.1.0'
  spec.summary = 'Reads what a gRPC error tells its caller to do next.'
  spec.authors = ['The recourse authors']
  spec.homepage = 'https://github.com/recourse-dev/recourse'
  spec.license = 'Apache-2.0'
  spec.required_ruby_version = '>= 3.1'
  spec.files = Dir['lib/recourse/errors.rb', 'lib/recourse/v1/*.rb', 'README.md', 'LICENSE']
  spec.add_dependency 'google-protobuf', '>= 3.21'
  spec.add_dependency 'googleapis-common-protos-types', '~> 1.4'
end
