"""The image that every component runs in on a cluster. The local run ignores it."""

import os

# Said at compile time: SPARSEINST_IMAGE=registry/sparseinst:1.2 make pipeline-compile
IMAGE = os.environ.get("SPARSEINST_IMAGE", "sparseinst:latest")
