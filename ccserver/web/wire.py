"""Shapes that several answers share."""

from datetime import UTC, datetime

from ccserver.accounts import Account


def iso_time(at: datetime) -> str:
    """An aware time as ISO 8601 in UTC with milliseconds and ``Z``."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def account_json(account: Account) -> dict[str, object]:
    """The account as the panel sees it."""
    return {
        "login": account.login,
        "name": account.name,
        "role": account.role,
        "language": account.language,
        "agent_id": account.agent_id,
        "service": account.service,
    }
