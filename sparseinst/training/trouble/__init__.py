"""Bad days: signals, deadlines, dead workers, broken images, lost storage, losses that are no numbers, and hangs."""
