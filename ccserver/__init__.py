"""ccserver: an open 112 contact centre on SIP and Asterisk."""

__version__ = "0.1.0"
