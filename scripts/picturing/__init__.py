"""What scripts/make_pictures.py is made of: a workspace really measured, and pictures without fonts."""
