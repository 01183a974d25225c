"""What a run needs to go on after a stop: written whole, with a checksum, kept in several copies, here and in S3."""
