"""Ways to run one program in a target with three live streams: local, Kubernetes."""
