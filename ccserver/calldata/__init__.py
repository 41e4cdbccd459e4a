"""The data that comes with a call: read from Asterisk's spool, taken apart, kept, shown."""
