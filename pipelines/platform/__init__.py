"""What the steps get on a cluster: presets as data, and the one place that applies them.

preset.py   a preset: pipelines/presets/*.yaml, or a file of one's own
needs.py    what one step asks for
rights.py   which step sees which secrets, and which step's answer may come from a cache
images.py   the images that the steps run in
apply.py    the one place where a task of the pipeline is given all of it
"""
