"""The rights of deploy/storage, as AWS, MinIO and SeaweedFS read them, are those of docs/rights.md and no more."""

import fnmatch
import json

import pytest

from tests.deploy.principals import BUCKETS, IDENTITIES
from tests.deploy.rendered import DEPLOY
from tests.deploy.test_rights import names, table

AWS = DEPLOY / "storage" / "aws"
# Keys of each bucket at which rights may differ.
KEYS = {
    "data": ("photos/1.jpg", "dvc/files/md5/00/1"),
    "models": ("sparseinst/config.pbtxt",),
    "scratch": ("r1/train/last.pt", "r1/steps/deploy.jsonl", "r1/steps/train.jsonl"),
}
ACTIONS = ("list", "get", "put", "delete")
CASES = [(bucket, key, action) for bucket in BUCKETS for key in KEYS[bucket] for action in ACTIONS]
ROWS = {next(iter(names(row["principal"]))): row for row in table("The buckets")}


def expected(principal, bucket, key, action):
    """What the page says."""
    if (principal, bucket, key, action) == ("sparseinst-deploy", "scratch", "r1/steps/deploy.jsonl", "put"):
        return True
    right = ROWS[principal][f"`{bucket}`"]
    if right == "write below `dvc/`":
        return key.startswith("dvc/")
    return {"–": False, "read": action in {"list", "get"}, "write": True}[right]


def allowed_by_aws(policy, bucket, key, action):
    """IAM's rule for allowing statements: an action and a resource match, and the condition on what is listed holds."""
    wanted = {"list": "s3:ListBucket", "get": "s3:GetObject", "put": "s3:PutObject", "delete": "s3:DeleteObject"}[
        action
    ]
    resource = f"arn:aws:s3:::sparseinst-{bucket}" + ("" if action == "list" else f"/{key}")
    for statement in policy["Statement"]:
        prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ["*"])
        if (
            statement["Effect"] == "Allow"
            and wanted in statement["Action"]
            and any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"])
            and any(fnmatch.fnmatchcase(key, pattern) for pattern in prefixes)
        ):
            return True
    return False


def policy_of(principal):
    return json.loads((AWS / f"{principal.removeprefix('sparseinst-')}.json").read_text())


@pytest.mark.parametrize("principal", ROWS)
def test_an_iam_policy_allows_what_the_page_says_and_nothing_else(principal):
    policy = policy_of(principal)
    for bucket, key, action in CASES:
        allowed = allowed_by_aws(policy, bucket, key, action)
        assert allowed == expected(principal, bucket, key, action), (bucket, key, action)


@pytest.mark.parametrize("principal", ROWS)
def test_an_iam_policy_has_no_wildcard_among_its_actions_and_names_every_bucket(principal):
    known = {"s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    known |= {"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
    for statement in policy_of(principal)["Statement"]:
        assert set(statement["Action"]) <= known
        for resource in statement["Resource"]:
            assert resource.removeprefix("arn:aws:s3:::sparseinst-").split("/")[0] in BUCKETS


def test_every_principal_of_the_page_has_both_forms_and_nobody_else_has_one():
    identities = json.loads(IDENTITIES.read_text())["identities"]
    assert {each["name"] for each in identities} == set(ROWS)
    files = {path.stem for path in AWS.glob("*.json")} - {"scratch-lifecycle"}
    assert files == {principal.removeprefix("sparseinst-") for principal in ROWS}


def test_the_template_for_seaweedfs_holds_no_keys():
    identities = json.loads(IDENTITIES.read_text())["identities"]
    assert {value for each in identities for pair in each["credentials"] for value in pair.values()} == {""}


def test_runs_are_deleted_after_a_while_and_what_was_never_finished_sooner():
    (rule,) = json.loads((AWS / "scratch-lifecycle.json").read_text())["Rules"]
    assert rule["Status"] == "Enabled"
    assert 0 < rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] <= rule["Expiration"]["Days"]
