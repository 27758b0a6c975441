"""The widgets of the identify and review desks, and the web page for many visitors."""
