"""The Kubernetes exec transport: pods/exec over a WebSocket."""
