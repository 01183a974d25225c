"""How good a model is: predictors for eager, exported and served models, COCO mask metrics, the gate."""
