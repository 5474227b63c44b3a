"""promptfoo's configurations: prompts times tests times variables, each combination a case.

config      the whole: defaults, prompts, tests, scenarios     tests       tests, from lists and files
prompts     what is asked, from texts and files                rows        a row of a table as a test
cases       one test under one prompt as a case                assertions  an assertion as a check
scripts     assertions in code that a check can stand in for

Providers are named and left: who answers is what variants in temper.toml say. Code is never run.
"""
