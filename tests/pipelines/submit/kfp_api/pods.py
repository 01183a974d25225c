"""Logs and pods: from the UI's server, or from the API server where there is no UI in front of it."""

from tests.pipelines.submit.kfp_api.wire import Answer, UploadRefusal
from tests.pipelines.submit.kfp_api.workflow import Fate

_START_PAGE = "<!doctype html><html><head><title>Kubeflow Pipelines</title></head><body></body></html>"
_UNSCHEDULABLE = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu."


def _ending(code):
    """How Go says that a process ended."""
    return "signal: killed" if code == -9 else f"exit status {code}"


class Pods:
    def __init__(self, runs, multi_user):
        self.runs = runs
        self.multi_user = multi_user
        self.are_gone = False

    def ui_log(self, request):
        query = request.query("podname", "runid", "podnamespace", "createdat")
        if not query.get("podname"):
            return Answer(400, "podname argument is required", {"Content-Type": "text/plain"})
        if self.multi_user and not query.get("podnamespace"):
            return Answer(422, "podnamespace argument is required", {"Content-Type": "text/plain"})
        text = self._log(query["podname"])
        if text is None:
            return Answer(404, "pod not found", {"Content-Type": "text/plain"})
        return Answer(200, text, {"Content-Type": "text/plain; charset=utf-8"})

    def ui_pod(self, request):
        query = request.query("podname", "podnamespace")
        for needed in ("podname", "podnamespace"):
            if not query.get(needed):
                return Answer(422, f"{needed} argument is required")
        found = self._find(query["podname"])
        if found is None:
            return Answer(500, f'Could not get pod {query["podname"]}: pods "{query["podname"]}" not found')
        _, node = found
        status = {"phase": node.phase}
        if node.phase == "Pending":
            why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": _UNSCHEDULABLE}
            status["conditions"] = [why]
        return Answer(200, {"metadata": {"name": query["podname"]}, "status": status})

    def api_log(self, request, run_id, node_id):
        text = self._log(node_id)
        if text is None:
            raise UploadRefusal(500, f'Failed to read logs for run {run_id}: pods "{node_id}" not found')
        return Answer(200, text, {"Content-Type": "text/plain"})

    def start_page(self):
        """What the UI's server gives for a path that it does not know."""
        return Answer(200, _START_PAGE, {"Content-Type": "text/html; charset=utf-8"})

    def _find(self, name):
        if self.are_gone:
            return None
        for run_id in self.runs.runs:
            workflow = self.runs.workflow(run_id)
            for node in workflow.nodes:
                is_pod = node.display_name.startswith("executor") and not any(
                    other.name == f"{node.name}(0)" for other in workflow.nodes
                )
                if (is_pod or node.display_name.endswith("-driver")) and workflow.pod_name(node) == name:
                    return workflow, node
        return None

    def _log(self, name):
        """A step's log as the launcher makes it, its own lines between the machinery's."""
        found = self._find(name)
        if found is None:
            return None
        _, node = found
        if node.display_name.endswith("-driver"):
            return (
                "F1126 08:00:00.000000       1 main.go:79] KFP driver: driver.Container(...) failed: no such artifact\n"
            )
        task = node.name.split(".executor")[0].rsplit(".", 1)[-1]
        fate = self.runs.fates.get(task, Fate())
        lines = [
            "I1126 08:00:00.000000      22 launcher_v2.go:90] input ComponentSpec:{...}",
            "[KFP Executor 2026-11-26 08:00:01,000 INFO]: Looking for component `train` in --component_module_path",
            *fate.log.splitlines(),
        ]
        if fate.how == "fail":
            lines += [
                "I1126 08:00:09.000000      22 launcher_v2.go:181] publish success.",
                f"F1126 08:00:09.100000      22 main.go:53] failed to execute component: {_ending(fate.exit_code)}",
                'time="2026-11-26T08:00:09.500Z" level=info msg="sub-process exited" argo=true error="<nil>"',
                "Error: exit status 1",
            ]
        return "\n".join(lines) + "\n"
