# rubyzip, Zip::File: from the central directory.
require "zip"
require_relative "tell"

Zip.validate_entry_sizes = true
Zip::File.open(ARGV[0]) do |zip|
  zip.each { |entry| entry.get_input_stream { |body| tell(entry.name, body) } }
end
