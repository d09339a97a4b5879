"""`python -m rpc_server`."""

import sys

from rpc_server.cli import main

if __name__ == "__main__":
    sys.exit(main())
