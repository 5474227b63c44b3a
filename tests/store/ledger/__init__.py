"""Tests of store.ledger."""
