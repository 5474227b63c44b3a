"""The check `citation_support`: does what is cited say what the answer says?

How support is measured is room for another module (engine.retrieval.support); here are only the answer's
sentences, each with the passages that it cites.
"""
