"""The Argo workflow of a run, tick by tick, and what the API tells of its nodes."""

from dataclasses import dataclass, field

TICK_S = 60
_PENDING, _RUNNING, _SUCCEEDED, _FAILED, _SKIPPED = "Pending", "Running", "Succeeded", "Failed", "Skipped"


@dataclass
class Fate:
    """What becomes of a step: `how` is "succeed", "fail", "cached", "refuse" (a gate), "stay-pending", "stay-running"
    or "driver-fails"; a step that fails does so at each of `attempts`."""

    how: str = "succeed"
    attempts: int = 1
    log: str = ""
    exit_code: int = 1


@dataclass
class Node:
    name: str
    display_name: str
    start: int
    end: int | None = None
    phase: str = _RUNNING
    template: str = ""
    children: list = field(default_factory=list)


class Workflow:
    """The nodes at a tick. They are made anew for each tick: what was is told by what is asked for now."""

    def __init__(self, name, spec, fates, tick, stopped_at=None):
        self.name = name
        self._pipeline = spec.get("pipeline_spec", spec)
        self._pods = spec.get("platform_spec", {}).get("platforms", {}).get("kubernetes", {})
        self._fates = fates
        self._now = tick
        self._stopped_at = stopped_at
        self.nodes = []
        self.phase = self._play()

    def node_id(self, node):
        """FNV-1a of the node's name behind the workflow's."""
        return self.name if node.name == self.name else f"{self.name}-{_fnv1a(node.name)}"

    def pod_name(self, node):
        return f"{self.name}-{node.template}-{_fnv1a(node.name)}"

    def _play(self):
        top = self._add(self.name, self.name, 0)
        self._add(f"{self.name}.root-driver", "root-driver", 0, template="system-dag-driver", end=0, phase=_SUCCEEDED)
        clock, phase = self._dag(f"{self.name}.root", "root", self._pipeline["root"], 0, top)
        if clock is not None:
            top.phase, top.end = phase, clock
        return top.phase

    def _dag(self, name, display_name, component, start, parent):
        """Plays the tasks of a part, one after the other. Returns when it ended, None if it has not, and how."""
        node = self._add(name, display_name, start, parent=parent)
        clock, phase = start, _SUCCEEDED
        tasks = component["dag"]["tasks"]
        last = {task: about for task, about in tasks.items() if "strategy" in about.get("triggerPolicy", {})}
        for task in _in_order({key: about for key, about in tasks.items() if key not in last}):
            clock, phase = self._task(f"{name}.{task}", task, tasks[task], clock, node)
            for hook, about in last.items():
                if clock is not None and task in about["dependentTasks"]:
                    clock = self._exit_hook(f"{name}.{task}.onExit", task, hook, about, clock, node)
            if clock is None or phase == _FAILED:
                break
        if clock is not None:
            node.phase, node.end = phase, clock
        return clock, phase

    def _exit_hook(self, name, task, hook, about, start, parent):
        node = self._add(name, f"{task}.onExit", start, parent=parent)
        clock, node.phase = self._task(f"{name}.{hook}", hook, about, start, node)
        node.end = clock
        return clock

    def _task(self, name, task, about, start, parent):
        component = self._pipeline["components"][about["componentRef"]["name"]]
        fate = self._fates.get(task, Fate())
        driver = self._add(f"{name}-driver", f"{task}-driver", start, parent=parent, end=start, phase=_SUCCEEDED)
        driver.template = "system-container-driver" if "executorLabel" in component else "system-dag-driver"
        if fate.how == "driver-fails":
            driver.phase = _FAILED
            return start, _FAILED
        if "condition" in about.get("triggerPolicy", {}) and self._gate_refuses():
            self._add(name, task, start, parent=driver, end=start, phase=_SKIPPED)
            return start, _SUCCEEDED
        if "dag" in component:
            return self._dag(name, task, component, start, driver)
        return self._container(name, task, about, component["executorLabel"], fate, start, driver)

    def _gate_refuses(self):
        return self._fates.get("gate", Fate()).how == "refuse"

    def _container(self, name, task, about, label, fate, start, parent):
        """A step takes two ticks an attempt: one to get its pod, one to run."""
        step = self._add(name, task, start, parent=parent)
        executor = self._add(f"{name}.executor", "executor", start, parent=step)
        retried = "retryPolicy" in about
        executor.template = self._template(label, retried)
        if fate.how == "cached":
            executor.phase, executor.end, step.phase, step.end = _SKIPPED, start, _SUCCEEDED, start
            return start, _SUCCEEDED
        for attempt in range(fate.attempts):
            pod = executor
            if retried:
                pod = self._add(f"{name}.executor({attempt})", f"executor({attempt})", start, parent=executor)
                pod.template = executor.template
            end = self._pod(pod, fate, start)
            if end is None or end > self._now:
                executor.phase = pod.phase if pod is executor else _RUNNING
                return None, _RUNNING
            start = end
        step.phase = executor.phase = _FAILED if fate.how == "fail" else _SUCCEEDED
        step.end = executor.end = start
        return start, step.phase

    def _pod(self, pod, fate, start):
        pod.start = start
        stays = {"stay-pending": start, "stay-running": start + 1}.get(fate.how)
        if stays is None and self._now >= start + 2:
            pod.phase, pod.end = _FAILED if fate.how == "fail" else _SUCCEEDED, start + 2
            return start + 2
        at = self._now if stays is None else min(self._now, stays)
        pod.phase = _PENDING if at == start else _RUNNING
        if self._stopped_at is not None and self._now > self._stopped_at:
            pod.phase, pod.end, fate.how = _FAILED, self._stopped_at, "fail"
            return self._stopped_at
        return None

    def _template(self, label, retried):
        pod = self._pods.get("deploymentSpec", {}).get("executors", {}).get(label, {})
        name = "retry-system-container-impl" if retried else "system-container-impl"
        metadata = pod.get("podMetadata")
        if metadata is None:
            return name
        return f"metadata-{len(metadata.get('annotations', {}))}-{len(metadata.get('labels', {}))}-{name}"

    def _add(self, name, display_name, start, *, parent=None, end=None, phase=_RUNNING, template=""):
        node = Node(name, display_name, start, end, phase, template)
        self.nodes.append(node)
        if parent is not None:
            parent.children.append(node)
        return node


def task_details(workflow, run_id, created):
    """What the API tells: display names, times and children, but no node's own name, no error, no pod."""
    return [
        {
            "run_id": run_id,
            "task_id": f"task-{_fnv1a(node.name)}",
            "display_name": node.display_name,
            "create_time": created(0),
            "start_time": created(node.start),
            "end_time": "1970-01-01T00:00:00Z" if node.end is None else created(node.end),
            "state": node.phase.upper(),
            "child_tasks": [{"pod_name": workflow.node_id(child)} for child in node.children],
        }
        for node in sorted(workflow.nodes, key=workflow.node_id)
    ]


def _in_order(tasks):
    left, done = sorted(tasks), []
    while left:
        task = next(task for task in left if set(tasks[task].get("dependentTasks", ())) <= set(done))
        left.remove(task)
        done.append(task)
    return done


def _fnv1a(text):
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value
