"""What a run says while it trains: a line for people, JSON lines for programs, TensorBoard, a list of events."""
