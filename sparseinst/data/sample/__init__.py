"""Our own data set of drawn shapes: it needs no download, no account and no licence."""
