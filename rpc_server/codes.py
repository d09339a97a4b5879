"""The error codes of JSON-RPC and LSP that the server answers with.

What raises each is in `rpc_server.errors`; the docstrings below go into the documents. Must not know: anything.
"""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """Code of an error; those from -32700 to -32600 are JSON-RPC's, the others LSP's."""

    PARSE_ERROR = -32700
    """What came is no frame with a JSON text in UTF-8; the reply has a null id."""
    INVALID_REQUEST = -32600
    """The message is no JSON-RPC 2.0 request, or may not come now; a JSON array gets one such reply with a null id."""
    METHOD_NOT_FOUND = -32601
    """There is no such method."""
    INVALID_PARAMS = -32602
    """The params are not what the method takes; data lists everything that is wrong with them."""
    INTERNAL_ERROR = -32603
    """A bug in the server; its log has the place."""
    REQUEST_CANCELLED = -32800
    """The client cancelled the request."""
    REQUEST_FAILED = -32803
    """The request was right and could not be done; data.kind says why."""
