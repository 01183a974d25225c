"""report.html: how good a model is, where it errs and what would help most, to look at."""
