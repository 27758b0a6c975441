"""From photos to embeddings: batches, networks, where their weights come from, what they looked at."""
