from pipelines.submit.caching import switch_caching_off
from pipelines.submit.version import ensure_version
from tests.pipelines.submit.conftest import connected


def test_the_first_time_the_pipeline_is_made_and_the_version_named_by_content_and_commit(api, kubeflow, file):
    version = ensure_version(kubeflow, file, "gpu8", "abc1234")
    assert version.is_new
    (pipeline,) = api.pipelines.pipelines.values()
    assert (pipeline["name"], pipeline["display_name"]) == ("sparseinst", "sparseinst")
    (uploaded,) = api.pipelines.versions.values()
    assert uploaded["display_name"] == version.name
    assert version.name.startswith("gpu8-") and version.name.endswith("-abc1234")


def test_the_same_content_is_not_uploaded_twice_even_from_another_commit(api, kubeflow, file):
    first = ensure_version(kubeflow, file, "gpu8", "abc1234")
    again = ensure_version(kubeflow, file, "gpu8", "fff0000")
    assert not again.is_new
    assert again.version_id == first.version_id
    assert len(api.sent("POST", "/pipelines/upload_version")) == 1


def test_other_content_becomes_another_version_of_the_same_pipeline(api, kubeflow, file):
    first = ensure_version(kubeflow, file, "gpu8", "abc1234")
    switch_caching_off(file)
    second = ensure_version(kubeflow, file, "gpu8", "abc1234")
    assert second.is_new and second.pipeline_id == first.pipeline_id
    assert len(api.pipelines.pipelines) == 1


def test_a_pipeline_of_a_similar_name_is_somebody_elses(api, kubeflow, file):
    ensure_version(kubeflow, file, "gpu8", "")
    theirs = next(iter(api.pipelines.pipelines.values()))
    theirs.update(name="SparseInst", display_name="SparseInst")
    ensure_version(kubeflow, file, "gpu8", "")
    assert [p["display_name"] for p in api.pipelines.pipelines.values()] == ["SparseInst", "sparseinst"]


def test_the_version_is_found_behind_hundreds_of_others(api, kubeflow, file):
    first = ensure_version(kubeflow, file, "gpu8", "abc1234")
    stem = first.name.removesuffix("-abc1234")
    for number in range(250):
        made = {**api.pipelines.versions[first.version_id], "pipeline_version_id": f"other-{number}"}
        made["display_name"] = f"x{number}-{stem}"  # contains the stem, and is older
        made["created_at"] = "2020-01-01T00:00:00Z"
        api.pipelines.versions[made["pipeline_version_id"]] = made
    assert ensure_version(kubeflow, file, "gpu8", "abc1234").version_id == first.version_id
    assert len(api.sent("GET", "/pipelines/pipeline-1/versions")) == 1 + 3  # three pages of 100


def test_with_several_users_the_pipeline_is_the_namespaces_own(start_api, file):
    api = start_api(multi_user=True, namespaces=("ml", "bio"))
    for namespace in ("ml", "bio"):
        ensure_version(connected(api, namespace), file, "gpu8", "")
    assert [p["namespace"] for p in api.pipelines.pipelines.values()] == ["ml", "bio"]


def test_a_presets_name_becomes_one_that_kubernetes_takes(kubeflow, file):
    assert ensure_version(kubeflow, file, "My GPUs_2", "").name.startswith("my-gpus-2-")
