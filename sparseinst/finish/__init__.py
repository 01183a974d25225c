"""The end of a run, however it ended: what happened, on Kubeflow's page of the run and by a webhook."""
