"""The image that every component runs in on a cluster. The local run ignores it."""

import os
from importlib.metadata import version

# Said at compile time: SPARSEINST_IMAGE=registry.example/sparseinst-components:1.2 make pipeline-compile
IMAGE = os.environ.get("SPARSEINST_IMAGE") or f"sparseinst-components:{version('sparseinst')}"
