"""Experiments, runs and schedules."""

import time

from tests.pipelines.submit.kfp_api.lists import page
from tests.pipelines.submit.kfp_api.wire import INVALID, NOT_FOUND, Answer, Refusal, parsed
from tests.pipelines.submit.kfp_api.workflow import TICK_S, Workflow, task_details

_KINDS = {
    "NUMBER_DOUBLE": (int, float),
    "NUMBER_INTEGER": (int, float),
    "STRING": str,
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


class Runs:
    def __init__(self, clock, pipelines):
        self.clock = clock
        self.pipelines = pipelines
        self.experiments = {}
        self.runs = {}
        self.recurring = {}
        self.fates = {}  # of the steps of runs that are to come
        self.ticks = {}
        self.stopped_at = {}

    def create_experiment(self, request):
        wanted = parsed(request.json(), "V2beta1Experiment")
        made = {
            **wanted,
            "experiment_id": f"experiment-{len(self.experiments) + 1}",
            "storage_state": "AVAILABLE",
            "created_at": self.clock.stamp(),
        }
        self.experiments[made["experiment_id"]] = made
        return Answer(body=made)

    def list_experiments(self, request):
        query = request.query("page_token", "page_size", "sort_by", "filter", "namespace")
        mine = [e for e in self.experiments.values() if e.get("namespace", "") == query.get("namespace", "")]
        return Answer(body=page("experiments", mine, query))

    def create_run(self, request):
        wanted = parsed(request.json(), "V2beta1Run")
        self._check(wanted)
        run_id = f"run-{len(self.runs) + 1}"
        self.runs[run_id] = {
            **wanted,
            "run_id": run_id,
            "storage_state": "AVAILABLE",
            "created_at": self.clock.stamp(),
            "scheduled_at": self.clock.stamp(),
            "state": "PENDING",
            "state_history": [{"update_time": self.clock.stamp(), "state": "PENDING"}],
        }
        self.ticks[run_id] = -1
        return Answer(body=self.runs[run_id])

    def list_runs(self, request):
        query = request.query("page_token", "page_size", "sort_by", "filter", "experiment_id", "namespace")
        wanted = query.get("experiment_id")
        mine = [run for run in self.runs.values() if wanted in (None, run["experiment_id"])]
        return Answer(body=page("runs", mine, query))

    def get_run(self, request, run_id):
        request.query("experiment_id")
        run = self._run(run_id)
        if run["state"] not in ("SUCCEEDED", "FAILED", "CANCELED"):
            self.ticks[run_id] += 1
            self.clock.tick()
        workflow = self.workflow(run_id)
        details = task_details(workflow, run_id, lambda tick: self._time(run, tick))
        self._set_state(run, workflow)
        return Answer(body={**run, "run_details": {"task_details": details if self.ticks[run_id] >= 0 else []}})

    def terminate(self, request, run_id):
        run = self._run(run_id)
        self.stopped_at[run_id] = self.ticks[run_id]
        run["state_history"].append({"update_time": self.clock.stamp(), "state": "CANCELING"})
        run["state"] = "CANCELING"
        return Answer(body={})

    def workflow(self, run_id):
        """The run's workflow at its tick."""
        reference = self.runs[run_id]["pipeline_version_reference"]
        spec = self.pipelines.version(reference["pipeline_id"], reference["pipeline_version_id"])["pipeline_spec"]
        return Workflow(f"sparseinst-{run_id}", spec, self.fates, self.ticks[run_id], self.stopped_at.get(run_id))

    def create_recurring(self, request):
        wanted = parsed(request.json(), "V2beta1RecurringRun")
        self._check(wanted)
        if not wanted.get("display_name"):
            raise Refusal(INVALID, "Recurring run's name cannot be empty")
        if not 1 <= int(wanted.get("max_concurrency", 0)) <= 10:
            raise Refusal(INVALID, "Max concurrency of a recurring run must be at leas 1 and at most 10.")
        trigger = wanted.get("trigger", {})
        if "cron_schedule" in trigger and len(trigger["cron_schedule"].get("cron", "").split()) != 6:
            raise Refusal(INVALID, "Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron).")
        if "periodic_schedule" in trigger and int(trigger["periodic_schedule"].get("interval_second", 0)) < 1:
            raise Refusal(INVALID, "Found invalid period schedule interval. Set at interval to least 1 second")
        made = {
            **wanted,
            "recurring_run_id": f"recurring-{len(self.recurring) + 1}",
            "created_at": self.clock.stamp(),
            "status": "ENABLED" if wanted.get("mode") == "ENABLE" else "DISABLED",
        }
        self.recurring[made["recurring_run_id"]] = made
        return Answer(body=made)

    def list_recurring(self, request):
        query = request.query("page_token", "page_size", "sort_by", "namespace", "filter", "experiment_id")
        return Answer(body=page("recurringRuns", list(self.recurring.values()), query))

    def change_recurring(self, request, recurring_id, verb):
        self._recurring(recurring_id).update(
            {"enable": {"mode": "ENABLE", "status": "ENABLED"}, "disable": {"mode": "DISABLE", "status": "DISABLED"}}[
                verb
            ]
        )
        return Answer(body={})

    def delete_recurring(self, request, recurring_id):
        request.query("propagation_policy")
        self._recurring(recurring_id)
        del self.recurring[recurring_id]
        return Answer(body={})

    def _recurring(self, recurring_id):
        if recurring_id not in self.recurring:
            raise Refusal(NOT_FOUND, f"ResourceNotFoundError: Job {recurring_id} not found")
        return self.recurring[recurring_id]

    def _run(self, run_id):
        if run_id not in self.runs:
            raise Refusal(NOT_FOUND, f"Failed to get a run: ResourceNotFoundError: Run {run_id} not found")
        return self.runs[run_id]

    def _check(self, wanted):
        """The experiment and the version must be there, and the parameters the pipeline's own (v2_template.go)."""
        if wanted.get("experiment_id") not in self.experiments:
            raise Refusal(NOT_FOUND, f"ResourceNotFoundError: Experiment {wanted.get('experiment_id')} not found")
        reference = wanted.get("pipeline_version_reference", {})
        spec = self.pipelines.version(reference.get("pipeline_id"), reference.get("pipeline_version_id"))[
            "pipeline_spec"
        ]
        known = spec.get("pipeline_spec", spec)["root"].get("inputDefinitions", {}).get("parameters", {})
        given = wanted.get("runtime_config", {}).get("parameters", {})
        for name, about in known.items():
            if name not in given and not about.get("isOptional") and "defaultValue" not in about:
                raise Refusal(
                    INVALID, f"parameter {name} is not optional, yet has neither default value nor user value"
                )
        for name, value in given.items():
            if name not in known:
                raise Refusal(INVALID, f"parameter(s) provided are not required by pipeline: {name}")
            kind = known[name]["parameterType"]
            wrong = isinstance(value, bool) and kind != "BOOLEAN"
            if wrong or not isinstance(value, _KINDS[kind]):
                raise Refusal(INVALID, f"input parameter {name} requires type {kind.lower()}, but is {value!r}")

    def _set_state(self, run, workflow):
        if run["state"] == "PAUSED":
            return
        state = {"Running": "RUNNING", "Succeeded": "SUCCEEDED", "Failed": "FAILED"}[workflow.phase]
        if run["run_id"] in self.stopped_at and state == "RUNNING":
            state = "CANCELING"
        if state != run["state"]:
            run["state_history"].append({"update_time": self.clock.stamp(), "state": state})
            run["state"] = state
        if state in ("SUCCEEDED", "FAILED"):
            run["finished_at"] = self.clock.stamp()

    def _time(self, run, tick):
        start = time.mktime(time.strptime(run["created_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        return self.clock.stamp(start + tick * TICK_S)
