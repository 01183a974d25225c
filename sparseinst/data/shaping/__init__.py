"""Makes the data set that is wanted of the one that is there: its classes, its objects, its split."""
