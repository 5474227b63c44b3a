"""The ledger: a DuckDB index over runs, eval results and traces, which can be rebuilt from their files.

    connection   opening the file, one process at a time, with patience
    migrations   the tables, as numbered functions
    sources      which files there are, and what is new in them
    rows         what becomes a row of which table
    eval_rows    the same for eval results
    folding      takes in what is new, once
    querying     answers SQL, read-only and shut in

Workers and servers never come here: they append to their own files. Importing this package does not
import duckdb.
"""

from store.ledger.folding import fold
from store.ledger.querying import query
from store.records.ledger import Folded, QueryResult

__all__ = ["Folded", "QueryResult", "fold", "query"]
