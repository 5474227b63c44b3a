"""The text that the embedded tiny base model learns from, all of it written for this project.

`corpus.documents` is the door. Nothing here knows of any workspace
template: the base has never seen their rows.
"""
