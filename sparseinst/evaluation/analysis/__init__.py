"""What lies behind the 12 numbers: which detection found what, and everything that is counted from that."""
