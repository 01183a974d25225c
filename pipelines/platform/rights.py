"""Which step sees which secrets, and which step's answer may come from a cache. docs/rights.md explains it on one page.

Kubeflow runs all steps of a run as one ServiceAccount; so what a step may do outside the cluster is decided here, by
the credentials that it gets. The secrets are made by the cluster's owner (deploy/secrets).
"""

from __future__ import annotations

from sparseinst.finish.webhook import WEBHOOK
from sparseinst.serving.key import KEY_VARIABLE
from sparseinst.storage.s3 import VARIABLES

SERVICE_ACCOUNT = "sparseinst-steps"  # deploy/steps
WORKSPACE_CLAIM = "sparseinst-workspace"  # deploy/steps

STEPS_SECRET = "sparseinst-s3-steps"  # reads data and models, writes only the runs' scratch
DEPLOY_SECRET = "sparseinst-s3-deploy"  # writes models
TRITON_SECRET = "sparseinst-s3-triton"  # the server's: reads models
TRITON_KEY_SECRET = "sparseinst-triton-key"  # without it Triton loads no model
WEBHOOK_SECRET = "sparseinst-webhook"  # who hears how a run ended

KEYS = {
    STEPS_SECRET: VARIABLES,
    DEPLOY_SECRET: VARIABLES,
    TRITON_SECRET: VARIABLES,
    TRITON_KEY_SECRET: (KEY_VARIABLE,),
    WEBHOOK_SECRET: (WEBHOOK,),
}

# A server that wants no key, a cluster without S3 and a run that nobody waits for need none of these.
OPTIONAL = frozenset({TRITON_KEY_SECRET, WEBHOOK_SECRET})

SECRETS = {
    "ingest": (STEPS_SECRET,),
    "train": (STEPS_SECRET,),
    "evaluate": (STEPS_SECRET,),
    "gate": (STEPS_SECRET, TRITON_KEY_SECRET),
    "export": (STEPS_SECRET,),
    "deploy": (DEPLOY_SECRET, TRITON_KEY_SECRET),
    "finish": (STEPS_SECRET, WEBHOOK_SECRET),
}

# They reach out of the run, to data and to a server that change without it: an old answer is no answer.
NEVER_CACHED = frozenset({"ingest", "gate", "deploy", "finish"})
