"""The SIP edge (Kamailio) in front of Asterisk: its configuration, and what it is asked to do."""
