"""Data: from a user's file to a dataset version.

importers/   one file format each: text in, numbered records out
source.py    which format a file has, and its encoding     shapes.py    a record becomes messages
mapping.py   columns and answers as the user named them    split.py     which rows are held out
importing.py the whole way, with a report                  ensure.py    import when first needed
"""
