"""The plan of a training run before anything is spent: memory, time and money, from the configuration alone."""
