"""Which attributes of a file are kept is written as words; all else is refused in words."""

from __future__ import annotations

import pytest

from events import attributes
from events.attributes import read
from events.settings import SETTINGS


def test_words_stand_between_commas_in_any_order() -> None:
    assert read("owner, group, permissions") == {"owner", "group", "permissions"}
    assert read("permissions,owner") == {"owner", "permissions"}
    assert read(" group ") == {"group"}
    assert read("none") == frozenset()


def test_what_is_not_told_is_that_permissions_are_kept() -> None:
    assert read(attributes.DEFAULT) == {"permissions"}
    assert SETTINGS["transfer_attributes"].default == attributes.DEFAULT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write none"),
        ("owner,", "write none"),
        ("owner, times", "times is not one of them"),
        ("Owner", "Owner is not one of them"),
        ("owner, none", "none stands alone"),
    ],
)
def test_what_is_no_attribute_is_refused_by_name(text: str, why: str) -> None:
    assert why in attributes.fault(text)
    problem = SETTINGS["transfer_attributes"].problem(text)
    assert problem is not None
    assert problem.startswith("owner, group, permissions, between them commas, or none")


def test_what_can_be_read_has_no_fault() -> None:
    assert attributes.fault("owner, group") == ""
    assert SETTINGS["transfer_attributes"].problem("owner, group") is None
