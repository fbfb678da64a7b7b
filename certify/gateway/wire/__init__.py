"""The TWS API's wire protocol, server versions 157 to 178: bytes to requests and answers to bytes."""
