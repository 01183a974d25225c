"""From data to the served version: manifests chained by hash, every link of which can be checked."""
