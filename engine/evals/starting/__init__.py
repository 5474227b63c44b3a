"""A suite to start with: cases from rows or failures, and checks chosen from their answers.

answers       what kind of answers these are, and the checks that fit
shape         a JSON Schema that answers have in common
failures      a CSV of complaints becomes cases
wordings      other wordings of a question, by rule
out_of_scope  questions that the product is not there for
assembling    all of it as a suite
"""
