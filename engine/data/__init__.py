"""Data: from a user's file to a dataset version that is known to be good, and what a model sees of it.

in       importers/: a file format each. source.py: a file or folder as records. shapes/: a record becomes an
         example. mapping.py: columns as the user named them. conversations.py: one message per row.
         importing.py: the whole way. draft.py: a version in the making. split.py: which rows are held out.
         ensure.py: import when first needed
checked  checks/: what is wrong with a version. privacy/: personal data and secrets in any text
mended   fixing.py, fixes/: a new version from a report. derive.py: a version from a parent
seen     rendering.py: an example as ids and labels. masks.py, derivation.py, proof.py: what carries loss,
         and that it is right. preview.py: a row token by token. picking.py: which row
"""
