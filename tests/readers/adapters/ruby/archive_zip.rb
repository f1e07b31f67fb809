# archive-zip: from the central directory, in pure Ruby.
require "archive/zip"
require_relative "tell"

Archive::Zip.open(ARGV[0]) do |zip|
  zip.each { |entry| tell(entry.zip_path, entry.file_data) }
end
