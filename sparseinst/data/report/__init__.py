"""The dataset report: one HTML file that shows what is in a dataset, to look at before training."""
