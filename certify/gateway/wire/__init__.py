"""The TWS API's wire protocol, server versions 157 to 178: bytes to requests, answers to bytes; no sockets, no venue."""
