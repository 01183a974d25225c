"""The real S3 server, for the tests of this folder."""

from tests.s3_server import s3_server, s3_uri  # noqa: F401
