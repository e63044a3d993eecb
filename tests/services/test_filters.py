"""Filters: which machines a compute job asks for, and what is no filter."""

from __future__ import annotations

import pytest

from events.endpoints import Machine
from services.scheduler import filters

BIG = Machine("render", "render-01", 64, 256 << 30, site="hq", tags=("GPU", "cuda"))
SMALL = Machine("render", "laptop", 8, 32 << 30, "darwin", site="oslo")


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("ram:>32g", [BIG]),
        ("ram:>=32g", [BIG, SMALL]),
        ("ram:<=0.03125t", [SMALL]),
        ("ram:=33554432k", [SMALL]),
        ("RAM: < 256 GB", [SMALL]),
        ("cores:=8", [SMALL]),
        ("cores:>8", [BIG]),
        ("site:hq", [BIG]),
        ("site:hq+oslo", [BIG, SMALL]),
        ("site:hq+oslo|-oslo", [BIG]),
        ("site:-hq", [SMALL]),
        ("site:-hq|-oslo", []),
        ("hostname:+laptop-render", [SMALL]),
        ("hostname:render-01", [BIG]),
        ("hostname:-render-01", [SMALL]),
        ("hostname:-render-01+laptop", [SMALL]),
        ("hostname:render-*", [BIG]),
        ("tag:gpu", [BIG]),
        ("tag:-gpu", [SMALL]),
        ("platform:linux+windows", [BIG]),
    ],
)
def test_a_filter_fits_the_machines_it_describes(text: str, fitting: list[Machine]) -> None:
    assert [one for one in (BIG, SMALL) if filters.parse(text).fits(one)] == fitting


WRONG = [
    "",
    "ram",
    "ram:",
    "ram:32g",
    "ram:>32q",
    "ram:>-1",
    "cores:>8g",
    "cores:>>8",
    "gpu:yes",
    "site:",
    "site:a++b",
    "site:a|",
    "site:+",
    "hostname:a b",
    "tag:-",
]


@pytest.mark.parametrize("text", [*WRONG, "site:" + "a" * 1000])
def test_what_is_no_filter_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(filters.BadFilter, match=r"ram:>32g|at most"):
        filters.parse(text)


def test_all_filters_of_a_job_have_to_fit() -> None:
    assert filters.fit(("ram:>32g", "site:hq"), BIG)
    assert not filters.fit(("ram:>32g", "site:oslo"), BIG)
    assert filters.unfit(("ram:>1t", "site:oslo"), [BIG, SMALL]) == ["ram:>1t"]


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("ram:>1t", "31.99g"),
        ("cores:>64", "1 core"),
        ("site:oslo", "site attic"),
        ("tag:gpu", "no tag"),
        ("tag:gpu|-old", "no tag"),
        ("platform:windows", "platform linux"),
    ],
)
def test_what_a_machine_has_instead_is_said_in_the_words_of_the_filter(text: str, has: str) -> None:
    machine = Machine("render", "laptop", 1, (32 << 30) - 1, site="attic")
    assert filters.had([text], machine) == has


def test_the_closest_machine_misses_the_fewest_filters_and_by_the_least() -> None:
    wanted = ("ram:>1t", "cores:>=64", "site:hq")
    machines = [
        Machine("render", "a", 64, 1 << 40, site="hq"),
        Machine("render", "b", 64, 1 << 30, site="hq"),
        Machine("render", "c", 64, 2 << 40, site="attic"),
        Machine("render", "d", 1, 1 << 40, site="hq"),
    ]
    assert sorted(machines, key=lambda one: filters.distance(wanted, one)) == machines
    assert filters.unmet(wanted, machines[3]) == ["ram:>1t", "cores:>=64"]
    assert filters.distance(wanted, Machine("render", "e", 64, 2 << 40, site="hq")) == (0, 0.0)
