"""From embeddings to species.

Linear heads, and the losses that they and whole networks learn by.
"""
