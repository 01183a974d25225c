"""Whether a candidate may be deployed."""
