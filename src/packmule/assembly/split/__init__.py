"""An archive that is split into parts: which file goes into which, and how each is completed."""
