"""Compare: two variants on the same cases, case by case. Pure: results in, a verdict out.

pairing.py   results of either side become pairs; what only one side has is said
verdicts.py  pairs become differences with intervals, slices, costs and a verdict
gates.py     whether a comparison satisfies a gate of temper.toml
summary.py   the comparison as Markdown for a pull request
"""
