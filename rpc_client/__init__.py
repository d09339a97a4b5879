"""A Python client of the server: typed, async, made from the same messages as the server itself."""
