"""Texts in the live centre: into line, to a seat, and back to the citizen.

`composition` joins the parts. A text that is stored (by `ccserver.sms`, by `sip`, by `apps`) is
taken up by the `desk`, which decides with `arrivals` what it means and tells the distributor by
the `line`. `threads` are the conversations that live, `telling` is what cards and panels hear of
them, `replies` leave by the way on which the citizen wrote, `control` is what call takers ask for,
and `views` is what they are shown.
"""
