"""From words to categories: the pipeline, its classifiers, and the folder a model is kept in."""
