"""The web edge: API, live push and the built panel, on aiohttp.

It knows the other rooms only through the Protocols of `ccserver.web.ports`.
"""
