# rubyzip, Zip::InputStream: front to back.
require "zip"
require_relative "tell"

Zip::InputStream.open(ARGV[0]) do |zip|
  while (entry = zip.get_next_entry)
    tell(entry.name, zip)
  end
end
