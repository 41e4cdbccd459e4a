"""Tests of the web room: the application over real sockets, with fakes behind its ports."""
