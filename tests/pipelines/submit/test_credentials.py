import pytest

from pipelines.submit.credentials import find_credentials
from sparseinst.errors import ConfigError


def test_without_any_nothing_is_sent():
    assert find_credentials({}).headers() == {}
    assert find_credentials({}).origin == "no credentials"


def test_a_token_and_cookies_come_from_the_environment():
    found = find_credentials({"KFP_TOKEN": " t-1\n", "KFP_COOKIES": "session=s-1"})
    assert found.headers() == {"Authorization": "Bearer t-1", "Cookie": "session=s-1"}
    assert found.origin == "KFP_TOKEN and KFP_COOKIES"


def test_a_tokens_file_is_read_again_each_time_for_kubernetes_replaces_it(tmp_path):
    file = tmp_path / "token"
    file.write_text("old\n")
    found = find_credentials({"KFP_TOKEN_FILE": str(file)})
    assert found.headers()["Authorization"] == "Bearer old"
    file.write_text("new\n")
    assert found.headers()["Authorization"] == "Bearer new"


def test_in_a_pod_the_pods_own_token_is_used(tmp_path):
    (tmp_path / "token").write_text("projected")
    found = find_credentials({"KF_PIPELINES_SA_TOKEN_PATH": str(tmp_path / "token")})
    assert found.headers()["Authorization"] == "Bearer projected"


def test_a_file_that_is_not_there_is_told_before_anything_is_asked(tmp_path):
    with pytest.raises(ConfigError) as refused:
        find_credentials({"KFP_TOKEN_FILE": str(tmp_path / "absent")})
    assert "KFP_TOKEN_FILE" in refused.value.where


def test_no_secret_is_in_what_is_printed_of_them():
    found = find_credentials({"KFP_TOKEN": "t-secret", "KFP_COOKIES": "session=s-secret"})
    assert "secret" not in repr(found) + found.origin
