"""A suite to start with: cases from rows or failures, and checks chosen from their answers.

answers       what kind of answers these are, and the checks that fit
texts         what answers in words are: labels, short answers, lists
shape         a JSON Schema that answers have in common
explaining    why each check was chosen, for the suite's file
columns       what the columns of a table are
offering      choices shown behind their question
failures      a CSV of complaints becomes cases
trajectories  a row with tool calls becomes a case that is played
wordings      other wordings of a question, by rule
out_of_scope  questions that the product is not there for
assembling    all of it as a suite
"""
