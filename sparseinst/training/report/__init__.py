"""train.html: what a training run did, to look at."""
