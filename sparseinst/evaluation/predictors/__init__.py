"""One way to ask any form of a model what it sees: a checkpoint, an exported file, or a running server."""
