"""A page of namespaces or pods for a picker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.inventory import Inventory
from handlers.transports.kubernetes import entries, pods
from handlers.transports.kubernetes.find import refuse_missing_namespace

if TYPE_CHECKING:
    from handlers.inventory import Inquiry
    from handlers.transports.kubernetes.connection import Connection


async def listing(inquiry: Inquiry, connection: Connection) -> Inventory:
    """The page that is asked for."""
    access = connection.access
    namespace = inquiry.namespace or access.namespace
    query: dict[str, str | int] = {"limit": inquiry.limit, "continue": inquiry.continue_token}
    if inquiry.listed == "namespaces":
        found = await connection.list_namespaces(query)
        return Inventory(
            context=access.context,
            namespaces=entries.namespaces(found, namespace),
            continue_token=entries.continue_token(found),
        )
    if not pods.NAME.fullmatch(namespace):  # never let "..", say, into a path
        raise pods.no_such_namespace(namespace, place=access.place)
    found = await connection.list_pods(namespace, {**query, "labelSelector": inquiry.selector})
    there = entries.pods(found)
    if not there and not inquiry.continue_token:
        await refuse_missing_namespace(connection, namespace)
    return Inventory(
        context=access.context, namespace=namespace, pods=there, continue_token=entries.continue_token(found)
    )
