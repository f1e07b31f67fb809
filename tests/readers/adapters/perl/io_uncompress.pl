# IO::Uncompress::Unzip: front to back.
use strict;
use warnings;
use Digest::SHA;
use IO::Uncompress::Unzip qw($UnzipError);

my $zip = IO::Uncompress::Unzip->new($ARGV[0], BlockSize => 1 << 18) or die $UnzipError;
my $status = 1;
while ($status > 0) {
    my ($digest, $size, $piece) = (Digest::SHA->new(256), 0);
    while (($status = $zip->read($piece, 1 << 18)) > 0) {
        $digest->add($piece);
        $size += length $piece;
    }
    die "$UnzipError" if $status < 0;
    printf "%s %d %s\n", $digest->hexdigest, $size, unpack("H*", $zip->getHeaderInfo->{Name});
    $status = $zip->nextStream;
}
die "$UnzipError" if $status < 0;
