<?php
// PharData: PHP's own reader, beside libzip.
require __DIR__ . '/tell.php';

$start = 'phar://' . realpath($argv[1]) . '/';
foreach (new RecursiveIteratorIterator(new PharData($argv[1])) as $path => $file) {
    tell(substr($path, strlen($start)), fopen($path, 'rb'));
}
