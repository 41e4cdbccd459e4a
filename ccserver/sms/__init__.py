"""The SMS gateway: SMPP sessions with operators, what they deliver and what they are given."""
