"""What the job `advise` is made of.

ways       the approaches that can be measured here, and why others cannot
asking     the suite's cases through one approach, earlier answers taken over
passages   the right passages of a case, from its expected sources
signs      what data checks, triage and training runs say beside the answers
"""
