"""What the job `advise` is made of.

ways.py       the approaches that can be measured here, and why the others cannot
passages.py   the right passages of a case: what perfect search would find
asking.py     a suite through the approaches that share a model; known answers are taken over
taking.py     what answering took: seconds by the clock, joules by the GPU's counter
probe.py      a short training run, where there is no adapter yet
training.py   what training takes on this machine
signs.py      what is known beside the scores
"""
