"""A model as a web service, by the contract of Pl@ntNet's API v2: README.md here describes it."""
