import asyncio
import sys

from rpc_client.client import Client
from rpc_client.run import data_of
from rpc_server.messages import Definition, LocalTarget, StartParams
from rpc_server.results import Output


async def main():
    definition = Definition(id="hello", cmd_line="for i in 1 2 3; do echo step $i; sleep 1; done; exit 7")
    async with Client.spawn() as client:
        run = await client.start(StartParams(target=LocalTarget(kind="local"), definition=definition))
        async for event in run:  # to its end; a server that dies is an exception
            if isinstance(event, Output):
                sys.stdout.buffer.write(data_of(event))
                sys.stdout.flush()
        return run.process.exit_code


sys.exit(asyncio.run(main()))
