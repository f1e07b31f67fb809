<?php
// ZipArchive, which is libzip: from the central directory.
require __DIR__ . '/tell.php';

$zip = new ZipArchive();
$opened = $zip->open($argv[1], ZipArchive::RDONLY | ZipArchive::CHECKCONS);
if ($opened !== true) {
    exit("cannot open the archive: $opened");
}
for ($index = 0; $index < $zip->numFiles; $index++) {
    $body = $zip->getStreamIndex($index) or exit($zip->getStatusString());
    tell($zip->getNameIndex($index), $body);
}
