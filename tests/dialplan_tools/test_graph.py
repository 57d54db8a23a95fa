"""`voicebot graph`: ways with their reasons, what calls did on them, and a picture that can be read."""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialplan.helpers import loaded
from voicebot.dialplan.loader import load
from voicebot.dialplan.tools.edges import ANYWHERE, graph_of
from voicebot.dialplan.tools.layout import Box, Wire, lay_out
from voicebot.dialplan.tools.pictures import dot, mermaid, svg
from voicebot.dialplan.tools.usage import Usage

ROOT = Path(__file__).parent.parent.parent
DEMO = load(ROOT / "dialplans" / "demo.yaml")
SVG = "{http://www.w3.org/2000/svg}"

TEXT = """\
dialplan: 1
hotline: {name: t, languages: [en], timezone: UTC, start: main}
links: [{phrases: [address], call: address}]
handlers:
  noinput: [{count: 3, goto: bye}]
  nomatch: [{count: 3, goto: bye}]
queues: {q: {}}
intents: {pay: {en: ["[to] pay"]}}
flows:
  main:
    - menu:
        prompt: "Pay or stop?"
        choices:
          - {dtmf: "1", intent: pay, goto: pay}
          - dtmf: "2"
            phrases: [stop]
            goto:
              - if: {when: call.priority > 1, then: pay, else: bye}
        nomatch: [{count: 2, goto: bye}]
    - goto: bye
  pay:
    - queue: {name: q, exits: {agent_done: bye, timeout: bye, no_agents: bye, full: main}}
  address:
    - say: "Mill Lane."
    - return: {}
  bye:
    - hangup: done
"""


def ways(text: str) -> list[tuple[str, str, str, str]]:
    return [(e.source, e.target, e.kind, e.label) for e in graph_of(loaded(text)).edges]


def test_every_way_has_its_reason() -> None:
    assert ways(TEXT) == [
        ("main", "pay", "goto", "[1] pay"),
        ("main", "pay", "goto", "[2] stop, call.priority > 1"),
        ("main", "bye", "goto", "[2] stop, otherwise"),
        ("main", "bye", "goto", "nomatch 2"),
        ("main", "bye", "goto", ""),
        ("pay", "bye", "goto", "agent done"),
        ("pay", "bye", "goto", "timeout"),
        ("pay", "bye", "goto", "no agents"),
        ("pay", "main", "goto", "full"),
        ("bye", "end:hang up: done", "end", ""),
        (ANYWHERE, "address", "call", "address"),
        (ANYWHERE, "bye", "goto", "noinput 3"),
        (ANYWHERE, "bye", "goto", "nomatch 3"),
    ]


def test_steps_follow_each_other_in_the_graph_of_steps() -> None:
    found = graph_of(loaded(TEXT), steps=True)
    pairs = {(e.source, e.target, e.kind) for e in found.edges}
    assert ("main.1", "main.2", "next") in pairs  # the `if` inside of the choice
    assert ("address.1", "address.2", "next") in pairs
    assert ("main.1", "pay.1", "goto") in pairs
    assert ("main.2", "bye.1", "goto") in pairs
    assert {node.id for node in found.nodes} >= {"main.1", "main.2", "main.3", "pay.1", "bye.1"}


@dataclass
class Event:
    kind: str
    data: dict[str, object] = field(default_factory=dict)


def counted(*calls: list[Event], left: bool = False) -> dict[tuple[str, str, str], int]:
    found = graph_of(loaded(TEXT))
    usage = Usage()
    for events in calls:
        usage.add(found, events, left_by_caller=left)
    return {(e.source, e.target, e.label): n for e, n in usage.taken.items()}


def begun(*more: Event) -> list[Event]:
    return [Event("flow", {"flow": "main"}), Event("step", {"step": "main.1", "verb": "menu"}), *more]


def test_a_call_counts_on_the_way_that_it_took() -> None:
    by_key = begun(Event("keys", {"keys": "1", "intent": "pay"}), Event("goto", {"flow": "pay"}))
    by_speech = begun(Event("heard", {"intent": "pay"}), Event("goto", {"flow": "pay"}))
    nobody = [
        *by_key,
        Event("step", {"step": "pay.1"}),
        Event("queue_exit", {"exit": "no_agents"}),
        Event("goto", {"flow": "bye"}),
    ]
    unheard = begun(
        Event("handler", {"event_name": "nomatch", "handler_line": 19}), Event("goto", {"flow": "bye"})
    )
    silent = begun(
        Event("handler", {"event_name": "noinput", "handler_line": 5}), Event("goto", {"flow": "bye"})
    )
    assert counted(by_key, by_speech, nobody, unheard, silent) == {
        ("main", "pay", "[1] pay"): 3,
        ("pay", "bye", "no agents"): 1,
        ("main", "bye", "nomatch 2"): 1,
        (ANYWHERE, "bye", "noinput 3"): 1,
    }


def test_a_digression_comes_back_before_the_next_way_is_counted() -> None:
    asked = begun(
        Event("heard", {"link": True}),
        Event("call", {"flow": "address"}),
        Event("step", {"step": "address.2"}),
        Event("return"),
        Event("keys", {"keys": "1"}),
        Event("goto", {"flow": "pay"}),
    )
    assert counted(asked)[(ANYWHERE, "address", "address")] == 1


def test_callers_who_hang_up_are_counted_where_they_were() -> None:
    found = graph_of(loaded(TEXT))
    usage = Usage()
    usage.add(found, begun(Event("keys", {"keys": "1"}), Event("goto", {"flow": "pay"})), left_by_caller=True)
    usage.add(found, begun(), left_by_caller=True)
    assert usage.calls == 2
    assert usage.left == {"pay": 1, "main": 1}
    assert usage.entered == {"main": 2, "pay": 1}
    picture = svg(found, "t", usage)
    assert picture.count("1 hung up here") == 2
    assert "[1] pay: 1" in picture


def boxes_of(picture: str) -> list[tuple[float, float, float, float]]:
    root = ElementTree.fromstring(picture)
    return [
        (float(r.get("x", 0)), float(r.get("y", 0)), float(r.get("width", 0)), float(r.get("height", 0)))
        for r in root.iter(f"{SVG}rect")
        if r.get("x")
    ]


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def test_the_picture_of_the_demo_has_every_flow_and_nothing_lies_on_another() -> None:
    picture = svg(graph_of(DEMO), "demo")
    root = ElementTree.fromstring(picture)
    texts = {item.text for item in root.iter(f"{SVG}text")}
    assert set(DEMO.flows) <= texts
    boxes = boxes_of(picture)
    assert len(boxes) > len(DEMO.flows)
    assert [pair for pair in itertools.combinations(boxes, 2) if overlap(*pair)] == []
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    assert picture == svg(graph_of(load(ROOT / "dialplans" / "demo.yaml")), "demo")


NAMES = st.sampled_from("abcdefgh")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(NAMES, NAMES, st.booleans()), max_size=20))
def test_whatever_leads_where_boxes_do_not_touch_and_every_wire_joins_its_ends(
    wires: list[tuple[str, str, bool]],
) -> None:
    boxes = {name: Box(60, 30) for name in "abcdefgh"}
    drawn = [Wire(one, other, Box(40, 12) if labelled else Box(0, 0)) for one, other, labelled in wires]
    layout = lay_out(boxes, drawn)
    places = [(x - 30, y - 15, 60.0, 30.0) for x, y in layout.centres.values()]
    assert not [pair for pair in itertools.combinations(places, 2) if overlap(*pair)]
    for number, wire in enumerate(drawn):
        if wire.source == wire.target:
            assert number not in layout.routes
            continue
        (x, y), (to_x, to_y) = layout.routes[number][0], layout.routes[number][-1]
        for (at_x, at_y), name in (((x, y), wire.source), ((to_x, to_y), wire.target)):
            centre = layout.centres[name]
            assert abs(at_x - centre[0]) <= 30
            assert abs(abs(at_y - centre[1]) - 15) < 0.01


def test_mermaid_and_dot_escape_what_authors_write() -> None:
    odd = TEXT.replace("when: call.priority > 1", "when: \"call.from in ['<x>', '#']\"")
    found = graph_of(loaded(odd))
    diagram = mermaid(found)
    assert diagram.startswith("flowchart TD\n")
    assert re.search(r'n0 -->\|"[^"]*#60;x#62;[^"]*"\| n', diagram)
    assert dot(found, 'a "b"').startswith('digraph "a \\"b\\"" {\n')
    assert '"main" -> "pay"' in dot(found, "x")
