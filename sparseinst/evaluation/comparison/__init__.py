"""Two evaluations of the same data against each other: what changed, and how sure that is."""
