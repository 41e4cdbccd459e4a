"""Cars that call: the Minimum Set of Data (EN 15722), control documents (RFC 8147), service URNs.

Pure: octets in, values out. No clock, no socket, no database.
"""
