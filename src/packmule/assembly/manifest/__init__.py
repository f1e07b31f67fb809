"""What an archive says of its own files: checksums, sources, BagIt."""
