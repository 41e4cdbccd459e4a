"""Proves what must hold of the table of rights, whatever else is changed in it."""

import pytest

from ccserver.accounts import PEOPLES_ROLES, Right, Role, Scope, rights_of, rights_of_scopes


def holders(right: Right) -> set[Role]:
    return {role for role in Role if right in rights_of(role)}


def test_every_role_and_scope_has_its_rights() -> None:
    for role in PEOPLES_ROLES:
        assert Right.PANEL in rights_of(role), "whoever can log in can see the own account"
    for scope in Scope:
        assert rights_of_scopes([scope])
    assert rights_of(Role.INTEGRATOR) == frozenset(), "what a key may do its scopes say"


@pytest.mark.parametrize(
    ("right", "roles"),
    [
        (Right.CONTACTS, {Role.CALL_TAKER, Role.SUPERVISOR, Role.SYSTEM_ADMIN}),
        (Right.CALLS, {Role.CALL_TAKER, Role.SUPERVISOR, Role.SYSTEM_ADMIN}),
        (Right.CARDS_EDIT, {Role.CALL_TAKER, Role.SUPERVISOR, Role.SYSTEM_ADMIN}),
        (Right.RECORDINGS_HEAR, {Role.SUPERVISOR, Role.QUALITY_OFFICER}),
        (Right.ROUTING, {Role.SUPERVISOR, Role.TELECOM_ADMIN, Role.SYSTEM_ADMIN}),
        (Right.PEOPLE, {Role.SYSTEM_ADMIN}),
        (Right.KEYS, {Role.SYSTEM_ADMIN}),
        (Right.AUDIT, {Role.SUPERVISOR, Role.SYSTEM_ADMIN}),
        (Right.SUPERVISE, {Role.SUPERVISOR, Role.SYSTEM_ADMIN}),
    ],
)
def test_who_has_what_must_not_spread(right: Right, roles: set[Role]) -> None:
    assert holders(right) == roles


def test_no_scope_gives_a_right_to_people_or_to_the_live_centre() -> None:
    of_people = {
        Right.PANEL,
        Right.CONTACTS,
        Right.CALLS,
        Right.SUPERVISE,
        Right.PEOPLE,
        Right.KEYS,
    }
    assert rights_of_scopes(Scope).isdisjoint(of_people | {Right.AUDIT, Right.RECORDINGS_HEAR})
