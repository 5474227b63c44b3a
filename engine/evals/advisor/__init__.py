"""Advisor: prompt, retrieval, tuning, or none of them yet? Pure: results in, a verdict out.

measuring.py   results of each approach become a line of the table, compared with the bare prompt
deciding.py    the rules: which ceiling binds, which is the cheapest approach that is as good as any
sentences.py   what else has to be said: labels, facts that change, prompts that differ, missing evidence
costs.py       tokens, watts and hours as money at the user's prices
"""
