"""Clients of Triton, the rollout of new versions, and the local stack. Nothing here imports torch."""
