"""New versions into service: proven before and after the switch, and the old one back when anything fails."""

from sparseinst.serving.rollout.rollout import Deployment, deploy, rollback

__all__ = ["Deployment", "deploy", "rollback"]
