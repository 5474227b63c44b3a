"""The steps of `scripts/setup`, on the standard library alone."""
