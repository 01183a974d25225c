"""Drift: what a served model finds in live traffic, against what it found when it was evaluated."""
