"""The JSON-RPC server: the only package that knows JSON, pygls and cattrs."""
