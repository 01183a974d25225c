"""A TrainJob from a step's side: made, watched, ended. A real client, a real HTTP server that keeps state."""

import signal
import threading
import time
from dataclasses import replace

import pytest

from sparseinst.cluster.launch import run_train_job
from sparseinst.cluster.manifest import build_manifest, job_name
from sparseinst.cluster.patience import ClusterUnreachable
from sparseinst.errors import Preempted, TrainingError

NAME = job_name("run-1")


def asked(kubernetes, method, path=""):
    return [each for each in kubernetes.asked if each[0] == method and path in each[1]]


def test_a_training_is_made_its_log_is_shown_and_the_job_is_gone_at_the_end(
    kubernetes, cluster, request_, waiting, played, capfd, told
):
    def controllers():
        job = kubernetes.wait_for_job(NAME)
        assert job["spec"]["trainer"]["numNodes"] == 2
        zero, one = kubernetes.add_pods(NAME, 2)
        kubernetes.say(one, "node 1 says nothing to the step")
        for step in range(5):
            kubernetes.say(zero, f"step {step}")
            time.sleep(0.05)
        kubernetes.say(zero, "saved")
        for pod in (zero, one):
            kubernetes.end_pod(pod)
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert capfd.readouterr().err.splitlines() == [*(f"step {step}" for step in range(5)), "saved"]
    kubernetes.wait_for(lambda: kubernetes.job(NAME) is None)
    assert "2 of 2 nodes run" in told


def test_a_failed_training_tells_which_node_how_it_ended_what_it_said_and_what_the_cluster_warned_of(
    kubernetes, cluster, request_, waiting, played
):
    def controllers():
        kubernetes.wait_for_job(NAME)
        zero, one = kubernetes.add_pods(NAME, 2)
        kubernetes.say(zero, "step 1")
        kubernetes.say(one, *(f"line {number}" for number in range(40)), "RuntimeError: NCCL is not amused")
        kubernetes.end_pod(one, 137, "OOMKilled")
        kubernetes.warn(one, "OOMKilling", "Memory cgroup out of memory")
        kubernetes.warn("another-pod", "BackOff", "nobody's business")
        kubernetes.warn(f"{NAME}-2-node-0-0-a", "BackOff", "another job's business")
        kubernetes.warn(NAME, "TrainJobResourcesCreationFailed", "exceeded quota")
        kubernetes.finish(NAME, "Failed", "FailedJobs", "jobset failed due to one or more job failures")

    with played(controllers), pytest.raises(TrainingError) as failed:
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert "FailedJobs" in failed.value.problem
    text = str(failed.value)
    assert f"node 1 ({NAME}-node-0-1-a): exit code 137, OOMKilled" in text
    assert "RuntimeError: NCCL is not amused" in text
    assert "line 39" in text
    assert "line 3\n" not in text  # the last lines, not all of them
    assert "Memory cgroup out of memory" in text
    assert "exceeded quota" in text
    assert "'s business" not in text
    kubernetes.wait_for(lambda: kubernetes.job(NAME) is None)


def test_the_last_lines_of_a_pod_that_is_gone_are_those_that_were_streamed(
    kubernetes, cluster, request_, waiting, played
):
    def controllers():
        kubernetes.wait_for_job(NAME)
        zero, one = kubernetes.add_pods(NAME, 2)
        kubernetes.say(zero, "the last that was heard")
        kubernetes.wait_for(lambda: asked(kubernetes, "GET", "/log"))
        time.sleep(0.2)
        for pod in (zero, one):
            kubernetes.remove_pod(pod)
        kubernetes.finish(NAME, "Failed", "DeadlineExceeded", "TrainJob exceeded its deadline")

    with played(controllers), pytest.raises(TrainingError, match="DeadlineExceeded") as failed:
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert "the last that was heard" in str(failed.value)


def test_a_training_that_takes_too_long_is_deleted_even_where_ended_jobs_are_kept(
    kubernetes, cluster, request_, waiting, played
):
    def controllers():
        kubernetes.wait_for_job(NAME)
        (zero, _) = kubernetes.add_pods(NAME, 2)
        kubernetes.say(zero, "step 1 of 1000000")

    patience = replace(waiting, timeout_s=2.0, keep=True)
    with played(controllers), pytest.raises(TrainingError, match="not complete after") as failed:
        run_train_job(request_, cluster=cluster, waiting=patience)
    assert "step 1 of 1000000" in str(failed.value)
    kubernetes.wait_for(lambda: kubernetes.job(NAME) is None)


def test_a_job_that_has_ended_can_be_kept(kubernetes, cluster, request_, waiting, played, told):
    def controllers():
        kubernetes.wait_for_job(NAME)
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=replace(waiting, keep=True))
    assert kubernetes.job(NAME)
    assert asked(kubernetes, "DELETE") == []
    assert any("is kept" in line for line in told)


def test_why_nodes_do_not_run_is_told_once_and_so_are_warnings(kubernetes, cluster, request_, waiting, played, told):
    def controllers():
        kubernetes.wait_for_job(NAME)
        zero, one = kubernetes.add_pods(NAME, 2, phase="Pending")
        no_room = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
        unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": no_room}
        kubernetes.set_status(zero, conditions=[unschedulable])
        waits = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
        kubernetes.set_status(one, containerStatuses=[{"name": "node", "state": waits}])
        kubernetes.warn(one, "Failed", "Error: manifest unknown")
        kubernetes.wait_for(lambda: any("manifest unknown" in line for line in told))
        time.sleep(0.3)  # some rounds more, in which nothing is to be said again
        for pod in (zero, one):
            kubernetes.set_status(pod, phase="Running", conditions=[], containerStatuses=[])
        time.sleep(0.2)
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    waits = [line for line in told if "Unschedulable" in line and "ImagePullBackOff" in line]
    assert len(waits) == 1
    assert "node 0: Unschedulable: 0/3 nodes are available" in waits[0]
    assert len([line for line in told if "manifest unknown" in line]) == 1


def test_a_suspended_job_says_so(kubernetes, cluster, request_, waiting, played, told):
    def controllers():
        kubernetes.wait_for_job(NAME)
        kubernetes.finish(NAME, "Suspended", message="TrainJob is suspended")
        kubernetes.wait_for(lambda: any("suspended" in line for line in told))
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert "suspended: TrainJob is suspended" in told


def test_nodes_that_start_anew_are_followed_into_their_new_log(
    kubernetes, cluster, request_, waiting, played, capfd, told
):
    def controllers():
        kubernetes.wait_for_job(NAME)
        first = kubernetes.add_pods(NAME, 2)
        kubernetes.say(first[0], "first attempt: step 1")
        kubernetes.wait_for(lambda: asked(kubernetes, "GET", f"{first[0]}/log"))
        time.sleep(0.2)
        for pod in first:
            kubernetes.remove_pod(pod)
        second = kubernetes.add_pods(NAME, 2, attempt="b")
        kubernetes.logs[second[0]] = [("2020-01-01T00:00:00.5Z", "second attempt: step 1")]  # a clock that is behind
        kubernetes.wait_for(lambda: any("started anew" in line for line in told))
        kubernetes.end_pod(second[0])
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert capfd.readouterr().err.splitlines() == ["first attempt: step 1", "second attempt: step 1"]


def test_a_log_connection_that_breaks_gives_each_line_once(kubernetes, cluster, request_, waiting, played, capfd):
    def controllers():
        kubernetes.wait_for_job(NAME)
        zero, one = kubernetes.add_pods(NAME, 2)
        for part in range(6):
            kubernetes.say(zero, f"{part} first", f"{part} second")
            kubernetes.say(zero, f"{part} at the same time", "twice", "twice", same_time=True)
            time.sleep(0.15)
            kubernetes.cut_logs()
        for pod in (zero, one):
            kubernetes.end_pod(pod)
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    parts = ([f"{part} first", f"{part} second", f"{part} at the same time", "twice", "twice"] for part in range(6))
    assert capfd.readouterr().err.splitlines() == [line for part in parts for line in part]
    again = [query for _, path, query in kubernetes.asked if path.endswith("/log") and "sinceTime" in query]
    assert len(again) >= 3


def test_somebody_who_deletes_the_job_is_told_of(kubernetes, cluster, request_, waiting, played):
    def controllers():
        kubernetes.wait_for_job(NAME)
        time.sleep(0.2)
        kubernetes.collect(NAME)

    with played(controllers), pytest.raises(TrainingError, match="Somebody deleted"):
        run_train_job(request_, cluster=cluster, waiting=waiting)


def test_a_job_that_somebody_made_anew_under_the_name_is_left_alone(kubernetes, cluster, request_, waiting, played):
    def controllers():
        kubernetes.wait_for_job(NAME)
        time.sleep(0.2)
        kubernetes.put_job(build_manifest(replace(request_, run_id="theirs"), "team"), name=NAME)

    with played(controllers), pytest.raises(TrainingError, match="Somebody deleted"):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    time.sleep(2 * kubernetes.leaving_s)
    assert kubernetes.job(NAME)["metadata"]["annotations"]["sparseinst/run-id"] == "theirs"


def test_sigterm_deletes_the_job_and_the_step_is_preempted(kubernetes, cluster, request_, waiting, played):
    def controllers():
        kubernetes.wait_for_job(NAME)
        kubernetes.add_pods(NAME, 2)
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with played(controllers), pytest.raises(Preempted) as stopped:
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert stopped.value.exit_code == 75
    kubernetes.wait_for(lambda: kubernetes.job(NAME) is None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_while_the_api_is_away_does_not_wait_for_it(kubernetes, cluster, request_, waiting, played):
    def controllers():
        kubernetes.wait_for_job(NAME)
        with kubernetes.away():
            time.sleep(0.3)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
            time.sleep(1.5)

    start = time.monotonic()
    with played(controllers), pytest.raises(Preempted, match="they go on"):
        run_train_job(request_, cluster=cluster, waiting=replace(waiting, last_call_s=0.5))
    assert time.monotonic() - start < 10
    assert kubernetes.job(NAME)  # a retry finds it


def test_an_api_that_is_away_for_30_seconds_costs_nothing_but_time(
    kubernetes, cluster, request_, waiting, played, capfd, told
):
    def controllers():
        kubernetes.wait_for_job(NAME)
        zero, one = kubernetes.add_pods(NAME, 2)
        kubernetes.say(zero, "before")
        time.sleep(0.5)
        with kubernetes.away():
            kubernetes.say(zero, "meanwhile 1", "meanwhile 2")
            time.sleep(30)
        kubernetes.say(zero, "after")
        for pod in (zero, one):
            kubernetes.end_pod(pod)
        kubernetes.finish(NAME, "Complete")

    patient = replace(waiting, poll_s=0.5, patience_s=120.0)
    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=patient)
    assert capfd.readouterr().err.splitlines() == ["before", "meanwhile 1", "meanwhile 2", "after"]
    assert any("is away" in line for line in told)
    assert any("answers again" in line for line in told)


def test_an_api_that_stays_away_ends_the_step_and_leaves_the_job_alone(kubernetes, cluster, request_, waiting, played):
    gone = threading.Event()

    def controllers():
        kubernetes.wait_for_job(NAME)
        with kubernetes.away():
            gone.wait(20)

    with played(controllers):
        with pytest.raises(ClusterUnreachable, match="has been away") as failed:
            run_train_job(request_, cluster=cluster, waiting=replace(waiting, patience_s=1.0))
        gone.set()
    assert "Nothing was deleted" in failed.value.fix
    assert kubernetes.job(NAME)
    assert asked(kubernetes, "DELETE") == []


def test_an_api_that_answers_some_questions_and_not_others_deletes_nothing_either(
    kubernetes, cluster, request_, waiting
):
    kubernetes.refuse = lambda method, path: (503, "overloaded") if method == "GET" else None
    with pytest.raises(ClusterUnreachable, match="overloaded"):
        run_train_job(request_, cluster=cluster, waiting=replace(waiting, patience_s=0.5))
    assert kubernetes.job(NAME)
    assert asked(kubernetes, "DELETE") == []


def test_an_api_in_trouble_is_asked_again(kubernetes, cluster, request_, waiting, played):
    answers = iter([(503, "apiserver is shutting down"), (500, "failed calling webhook"), (429, "too many requests")])
    kubernetes.refuse = lambda method, path: next(answers, None)

    def controllers():
        kubernetes.wait_for_job(NAME)
        kubernetes.finish(NAME, "Complete")

    with played(controllers):
        run_train_job(request_, cluster=cluster, waiting=waiting)
    assert len(asked(kubernetes, "POST")) == 4
