"""New versions into service: proven before and after the switch, and the old one back when anything fails."""

from sparseinst.serving.rollout.conditions import Canary, Conditions
from sparseinst.serving.rollout.deployment import Deployment
from sparseinst.serving.rollout.models import only_model
from sparseinst.serving.rollout.rollout import deploy, make_equal, rollback

__all__ = ["Canary", "Conditions", "Deployment", "deploy", "make_equal", "only_model", "rollback"]
