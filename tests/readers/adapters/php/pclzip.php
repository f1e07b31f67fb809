<?php
// PclZip, in pure PHP: from the central directory.
error_reporting(E_ALL & ~E_DEPRECATED & ~E_WARNING);
require 'libphp-pclzip/pclzip.lib.php';
require __DIR__ . '/tell.php';
