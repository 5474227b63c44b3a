"""A variant behind the OpenAI-compatible HTTP API on this machine: the server process and its client.

`client` is light, for front ends; everything else belongs to the server.
"""
