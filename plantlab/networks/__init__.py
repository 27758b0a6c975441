"""From photos to embeddings.

Batches, networks, where their weights come from, and what they looked at.
"""
