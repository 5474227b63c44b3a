"""What `data fix` can do to a version: let rows go, settle conflicts, repair encodings, mask private text."""
