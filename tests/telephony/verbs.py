"""What ARI's commands are called in tests."""

from collections.abc import Mapping


def verb_of(  # noqa: C901, PLR0911, PLR0912 - one line per command of Asterisk
    method: str, parts: tuple[str, ...], values: Mapping[str, str]
) -> str:
    """A short name for a command: what faults and plans are given by."""
    match method, parts:
        case "GET", (kind,):
            return kind
        case "GET", ("channels", _, "rtp_statistics"):
            return "packets"
        case "POST", ("events", "claim"):
            return "claim"
        case "POST", ("applications", *_):
            return "subscribe"
        case "POST", ("channels", _, "variable"):
            name = values["variable"]
            if name == "TIMEOUT(absolute)":
                return "variable:unlease" if values["value"] == "0" else "variable:lease"
            return f"variable:{name}"
        case "POST", ("channels", _, "variables"):  # several at once are named by the first
            return f"variable:{next(iter(values), '')}"
        case _, ("channels", _, "moh"):
            return "music" if method == "POST" else "no_music"
        case _, ("channels", _, "mute"):
            return "mute" if method == "POST" else "unmute"
        case _, ("channels", _, "ring"):
            return "ring_back" if method == "POST" else "no_ring_back"
        case "POST", ("channels", _, "snoop", _):
            return "snoop"
        case "POST", ("channels", _):
            return "dial" if values.get("context") == "outbound" else "originate"
        case _, ("channels", _):
            return "hang_up"
        case _, ("bridges", _):
            return "bridge" if method == "POST" else "no_bridge"
        case "POST", ("bridges", _, "addChannel"):
            return "join"
        case "POST", ("bridges", _, "removeChannel"):
            return "leave"
    return f"{method} {'/'.join(parts)}"
