"""`temper train`: a recipe, looked at before anything starts, then runs: one, or a sweep of many."""
