"""From embeddings to species: linear heads, and the losses that they and whole networks learn by."""
