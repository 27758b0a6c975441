"""A trained model in one folder, and what it answers about a plant."""
