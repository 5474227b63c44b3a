"""What the job `evaluate` is made of.

cases      a suite's cases with their checks     asking    one variant answers them
helping    the embedder and the judge            rescoring earlier answers, judged again
keeping    what an earlier worker of the run did
"""
