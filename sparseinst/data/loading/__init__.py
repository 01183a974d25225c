"""From a dataset directory to the examples that training sees, in an order that a stop does not change."""
