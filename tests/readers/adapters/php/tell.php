<?php
// Tells an entry as one line: SHA-256, size, and the name's UTF-8 in hexadecimal.
function tell(string $name, $body): void
{
    $digest = hash_init('sha256');
    $size = hash_update_stream($digest, $body);
    echo hash_final($digest), ' ', $size, ' ', bin2hex($name), "\n";
}
