"""How things are kept: records, run folders, settings, leases, knowledge and the ledger.

The lowest layer. It does not know how anything is made (engine) or shown (app).
"""
