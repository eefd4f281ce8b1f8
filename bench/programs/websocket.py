"""Echo over WebSocket with the websockets package: python3 websocket.py PORT"""
import asyncio
import logging
import sys

import websockets

# A client that goes away without a handshake is no news.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass


async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None):
        await asyncio.Future()


asyncio.run(main())
