"""A real S3 server with the identities of deploy/storage lets each do what docs/rights.md says, and no more."""

import pytest

from tests.deploy.principals import BUCKETS, OWNER, client, s3_of_principals  # noqa: F401, a fixture
from tests.deploy.test_storage import CASES, KEYS, ROWS, expected

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def address(s3_of_principals):  # noqa: F811
    """Of the server, with an object at each of the keys."""
    for bucket in BUCKETS:
        for key in KEYS[bucket]:
            client(s3_of_principals, OWNER).put_object(Bucket=bucket, Key=key, Body=b"1")
    return s3_of_principals


def may(s3, bucket, key, action):
    """Whether the server lets one do it. What is deleted need not be there."""
    from botocore.exceptions import ClientError

    tried = {
        "list": lambda: s3.list_objects_v2(Bucket=bucket, Prefix=key),
        "get": lambda: s3.get_object(Bucket=bucket, Key=key),
        "put": lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"2"),
        "delete": lambda: s3.delete_object(Bucket=bucket, Key=f"{key}.gone"),
        "make a bucket": lambda: s3.create_bucket(Bucket=f"{bucket}-mine"),
        "delete the bucket": lambda: s3.delete_bucket(Bucket=bucket),
        "read who may": lambda: s3.get_bucket_acl(Bucket=bucket),
        "let everybody in": lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write"),
    }[action]
    try:
        tried()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", (bucket, key, action, error)
        return False
    return True


@pytest.mark.parametrize("principal", ROWS)
def test_the_server_lets_a_principal_do_what_the_page_says_and_nothing_else(address, principal):
    s3 = client(address, principal)
    for bucket, key, action in CASES:
        # SeaweedFS lists a bucket as a whole or not at all: who works below dvc/ sees the names beside it.
        if (principal, bucket, action) == ("sparseinst-dvc", "data", "list"):
            continue
        assert may(s3, bucket, key, action) == expected(principal, bucket, key, action), (bucket, key, action)


@pytest.mark.parametrize("principal", ROWS)
def test_no_principal_makes_or_deletes_buckets_or_says_who_may(address, principal):
    s3 = client(address, principal)
    for bucket in BUCKETS:
        for action in ("make a bucket", "delete the bucket", "read who may", "let everybody in"):
            assert not may(s3, bucket, "", action), (bucket, action)


def test_a_wrong_secret_opens_nothing(address):
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(address, "sparseinst-triton", "guessed").get_object(Bucket="models", Key=KEYS["models"][0])
