"""Opening hours in the hotline's zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from voicebot.dialplan.fields import Reader, Refused
from voicebot.dialplan.hours import Hours, hours
from voicebot.dialplan.source import Finding, parse_source

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(text: str) -> Hours:
    findings: list[Finding] = []
    found = hours(Reader(findings), parse_source(text))
    assert not findings
    return found


OFFICE = read(
    """
weekly: {mon-fri: "08:30-20:00", sat: ["09:00-12:00", "13:30-17:00"]}
closed: ["2026-10-01..2026-10-07"]
extra: ["2026-10-10", {"2026-10-03": "10:00-14:00"}]
"""
)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-24 08:29", False),
        ("2026-11-24 08:30", True),
        ("2026-11-24 19:59", True),
        ("2026-11-24 20:00", False),
        ("2026-11-28 12:30", False),  # Saturday, between the spans
        ("2026-11-28 13:30", True),
        ("2026-11-29 10:00", False),  # Sunday
        ("2026-10-05 10:00", False),  # a Monday that is closed
        ("2026-10-07 10:00", False),  # both ends of a range
        ("2026-10-10 19:00", True),  # an extra Saturday has Monday's hours
        ("2026-10-03 11:00", True),  # extra beats closed
        ("2026-10-03 09:00", False),  # ... with its own hours
    ],
)
def test_open(when: str, is_open: bool) -> None:
    assert OFFICE.is_open(at(when), SHANGHAI) is is_open


@pytest.mark.parametrize(
    ("when", "following"),
    [
        ("2026-11-24 21:00", "2026-11-25 08:30"),
        ("2026-11-28 12:30", "2026-11-28 13:30"),
        ("2026-11-28 18:00", "2026-11-30 08:30"),
        ("2026-09-30 20:00", "2026-10-03 10:00"),
        ("2026-11-24 10:00", "2026-11-24 10:00"),
    ],
)
def test_next_open(when: str, following: str) -> None:
    assert OFFICE.next_open(at(when), SHANGHAI) == at(following)


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    night = read('weekly: {fri: "22:00-02:00"}\nclosed: ["2026-11-28"]')
    assert night.is_open(at("2026-11-28 01:59"), SHANGHAI)  # Saturday is closed, Friday's night is not
    assert not night.is_open(at("2026-11-28 02:00"), SHANGHAI)
    assert not night.is_open(at("2026-11-28 23:00"), SHANGHAI)


def test_a_change_to_daylight_saving_time_moves_nothing() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    shop = read('weekly: {mon-sun: "09:00-17:00"}')
    assert shop.next_open(at("2026-03-28 18:00", berlin), berlin) == at("2026-03-29 09:00", berlin)
    assert not shop.is_open(datetime(2026, 3, 29, 6, 59, tzinfo=UTC), berlin)
    assert shop.is_open(datetime(2026, 3, 29, 7, 0, tzinfo=UTC), berlin)


def test_days_may_wrap_round_the_week() -> None:
    assert set(read('weekly: {sat-mon: "09:00-10:00"}').weekly) == {5, 6, 0}


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ('weekly: {mon: ["09:00-12:00", "11:00-13:00"]}', "VB140", 15),
        ('weekly: {mon-fri: "09:00-12:00", tue: "09:00-12:00"}', "VB140", 34),
        ('weekly: {mon: "22:00-03:00", tue: "02:00-04:00"}', "VB140", 9),
        ("weekly: {mon: []}", "VB141", 1),
        ('weekly: {mon: "9-17"}', "VB026", 15),
        ('weekly: {mon: "25:00-26:00"}', "VB026", 15),
        ('weekly: {moon: "09:00-17:00"}', "VB026", 10),
        ('weekly: {mon: "09:00-17:00"}\nclosed: ["2026-02-30"]', "VB026", 10),
        ('weekly: {mon: "09:00-17:00"}\nclosed: ["2026-03-02..2026-03-01"]', "VB026", 10),
        ('weekly: {mon: "09:00-17:00"}\nopen: []', "VB020", 1),
    ],
)
def test_mistakes_are_found_where_they_stand(text: str, code: str, column: int) -> None:
    findings: list[Finding] = []
    with pytest.raises(Refused):
        hours(Reader(findings), parse_source(text))
    assert [(item.code, item.column) for item in findings] == [(code, column)]


def test_an_hour_may_have_one_digit() -> None:
    assert read('weekly: {mon: "8:30-12:00"}') == read('weekly: {mon: "08:30-12:00"}')


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ('"9:00"', 'write from when to when: "8:30-20:00"'),
        ("closed", "leave out the days that are closed"),
        ("休息", "leave out the days that are closed"),
    ],
)
def test_what_is_no_span_of_hours_is_told_how_to_be_one(written: str, hint: str) -> None:
    findings: list[Finding] = []
    with pytest.raises(Refused):
        hours(Reader(findings), parse_source(f"weekly: {{mon: {written}}}"))
    assert [(item.code, item.hint) for item in findings] == [("VB026", hint)]
