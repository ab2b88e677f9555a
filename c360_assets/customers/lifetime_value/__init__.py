"""Customer lifetime value: how often customers will order, and what an order will be worth.

`bg_nbd` and `gamma_gamma` are the two models, each with its likelihood, its fit and what it
expects; `maximum` climbs likelihoods; `scoring` turns both into the figures of every customer, or
into the reason why there are none; `history` reads purchases from the warehouse, scores the months
that are new or changed, and writes the tables. Not here: which customers to spend money on.
"""
