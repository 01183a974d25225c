from pipelines.platform.preset import load_preset
from pipelines.submit.caching import switch_caching_off
from pipelines.submit.compiled import Condition, content_hash, from_api, read_compiled
from tests.pipelines.submit.kfp_api.pipelines import spec_of


def test_the_steps_come_in_the_order_in_which_they_run(compiled):
    names = ["ingest", "train", "evaluate", "gate", "export", "deploy", "finish"]
    assert [step.name for step in compiled.steps] == names


def test_a_step_knows_where_in_the_pipeline_it_is_and_what_decides_whether_it_runs(compiled):
    steps = {step.name: step for step in compiled.steps}
    assert steps["train"].path == ("exit-handler-1", "train")
    assert steps["train"].condition is None
    assert steps["deploy"].path == ("exit-handler-1", "condition-2", "deploy")
    assert steps["deploy"].condition == Condition("condition-2", asks="gate")
    assert steps["finish"].path == ("exit-handler-1.onExit", "finish")


def test_a_step_knows_its_retries_and_whether_it_may_be_cached(compiled):
    steps = {step.name: step for step in compiled.steps}
    assert (steps["train"].retries, steps["deploy"].retries) == (5, 0)
    assert [step.name for step in compiled.steps if step.cached] == ["train", "evaluate", "export"]


def test_a_training_on_nodes_is_called_train_whatever_its_task_is_called(compiled_once, tmp_path):
    compiled = read_compiled(compiled_once(load_preset("nodes"), tmp_path / "nodes.yaml"))
    (train,) = [step for step in compiled.steps if step.name == "train"]
    assert train.task == "train-job"


def test_what_the_api_gives_back_reads_like_the_file_that_was_sent(file, compiled):
    assert from_api(spec_of(file.read_bytes())) == compiled


def test_the_hash_is_of_the_content_and_not_of_the_name(file, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_bytes(file.read_bytes())
    assert content_hash(other) == content_hash(file)
    other.write_bytes(file.read_bytes() + b"\n")
    assert content_hash(other) != content_hash(file)


def test_without_caching_no_step_is_answered_from_the_cache_and_nothing_else_changes(file, compiled):
    before = content_hash(file)
    switch_caching_off(file)
    after = read_compiled(file)
    assert not any(step.cached for step in after.steps)
    assert [step.pod for step in after.steps] == [step.pod for step in compiled.steps]
    assert after.parameters == compiled.parameters
    assert content_hash(file) != before
