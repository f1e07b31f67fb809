# Archive::Zip: from the central directory.
use strict;
use warnings;
use Archive::Zip qw(:ERROR_CODES);
use Digest::SHA;

my $zip = Archive::Zip->new;
$zip->read($ARGV[0]) == AZ_OK or die "cannot read the archive";
for my $member ($zip->members) {
    my ($digest, $size) = (Digest::SHA->new(256), 0);
    $member->desiredCompressionMethod(0);
    $member->rewindData == AZ_OK or die "cannot read " . $member->fileName;
    until ($member->readIsDone) {
        my ($piece, $status) = $member->readChunk(1 << 18);
        $status == AZ_OK || $status == AZ_STREAM_END or die "cannot read " . $member->fileName;
        $digest->add($$piece);
        $size += length $$piece;
    }
    $member->endRead;
    printf "%s %d %s\n", $digest->hexdigest, $size, unpack("H*", $member->fileNameAsBytes);
}
