"""Heads for more species than a dense last layer can hold: `small` and `tree`, learnt by `learn`.

`trees` groups species, `ask` scores batch by batch, `world` invents embeddings whose best possible
score is known, `field` weighs and times a head.
"""
