"""Personal data and secrets in text: finding them, showing them without telling them, replacing them.

Knows nothing of datasets, rows of a trace or guardrails: text goes in, spans come out.
"""
