"""New versions into service: proven before and after the switch, and the old one back when anything fails."""

from sparseinst.serving.rollout.conditions import Canary, Conditions
from sparseinst.serving.rollout.models import only_model
from sparseinst.serving.rollout.rollout import Deployment, deploy, rollback

__all__ = ["Canary", "Conditions", "Deployment", "deploy", "only_model", "rollback"]
