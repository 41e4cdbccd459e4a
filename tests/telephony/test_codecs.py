"""No endpoint may bring audio of more than 8 kHz: it would garble the interleaved recording."""

import re

from ccserver.telephony.asterisk_conf import SOURCE_DIR

NARROWBAND = {"alaw", "ulaw"}


def test_every_endpoint_is_offered_narrowband_codecs_only() -> None:
    text = (SOURCE_DIR / "pjsip.conf").read_text()
    allowed = re.findall(r"^allow = (.+)$", text, re.MULTILINE)
    assert len(allowed) == 3, "trunk, SIP phones, browser phones"
    for codecs in allowed:
        assert set(codecs.split(",")) <= NARROWBAND


def test_no_wideband_codec_is_loaded() -> None:
    modules = (SOURCE_DIR / "modules.conf").read_text()
    assert not re.findall(r"codec_(?:g722|opus\w*|speex|codec2)\.so", modules)
