# Tells an entry as one line: SHA-256, size, and the name's UTF-8 in hexadecimal.
require "openssl"

def tell(name, body)
  digest = OpenSSL::Digest.new("SHA256")
  size = 0
  while (piece = body.read(1 << 18)) && !piece.empty?
    digest << piece
    size += piece.bytesize
  end
  puts "#{digest.hexdigest} #{size} #{name.unpack1('H*')}"
end
