"""Groups of interfaces: group, -group, and a group's name in place of one."""

import re

import pytest


@pytest.fixture
def edge(daemon):
    """pair0 and pair2 are the edge."""
    for n in (0, 2):
        daemon.ok("ifconfig", f"pair{n}", "create", "peer", f"pair{n + 1}")
        daemon.ok("ifconfig", f"pair{n}", "group", "edge")
    return daemon


def test_listed_by_group(edge):
    assert edge.ok("ifconfig", "-l", "edge").split() == ["pair0", "pair2"]
    text = edge.ok("ifconfig", "edge")
    assert re.findall(r"^(\w+): flags", text, re.M) == ["pair0", "pair2"]
    assert text.count("groups: edge") == 2
    edge.ok("ifconfig", "pair0", "-group", "edge")
    assert edge.ok("ifconfig", "-l", "edge").split() == ["pair2"]
    edge.ok("ifconfig", "pair2", "destroy")
    assert "SIOCGIFFLAGS edge" in edge.bad("ifconfig", "edge", code=1)


def test_groups_that_are_there(edge):
    assert edge.ok("ifconfig", "-l", "all") == edge.ok("ifconfig", "-l")
    assert len(edge.ok("ifconfig", "-l", "pair").split()) == 4
    # The kind stays what it is, whatever the name becomes.
    edge.ok("ifconfig", "pair3", "name", "wan")
    assert "wan" in edge.ok("ifconfig", "-l", "pair").split()
    assert edge.show("pair0")["groups"] == ["all", "pair", "edge"]


def test_an_interface_comes_before_a_group(edge):
    edge.ok("ifconfig", "pair1", "name", "edge")
    text = edge.ok("ifconfig", "edge")
    assert re.findall(r"^(\w+): flags", text, re.M) == ["edge"]


def test_refused(edge):
    assert "digit" in edge.bad("ifconfig", "pair0", "group", "edge7", code=1)
    assert "File exists" in edge.bad("ifconfig", "pair0", "group", "edge",
                                     code=1)
    assert "No such file" in edge.bad("ifconfig", "pair0", "-group", "core",
                                      code=1)
    assert "Device busy" in edge.bad("ifconfig", "pair0", "-group", "pair",
                                     code=1)
    edge.bad("ifconfig", "pair0", "group", code=1)


def test_refusals_say_why(daemon):
    daemon.ok("ifconfig", "pair0", "create", "group", "lan")
    for words, why in ((("group", "lan"), "it is in the group already"),
                       (("group", "pair"), "it is in the group already"),
                       (("-group", "wan"), "it is not in the group"),
                       (("-group", "pair"), "of its kind")):
        assert why in daemon.bad("ifconfig", "pair0", *words)
