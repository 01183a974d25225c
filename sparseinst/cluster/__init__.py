"""Training on several nodes: one TrainJob of Kubeflow Trainer v2, started and watched by a pipeline step.

It speaks to the Kubernetes API only, never to Kubeflow Pipelines. docs/training_on_nodes.md tells how to use it.
"""
