"""docs/pbx/asterisk.md, word for word: calls that the hotline does not answer at once, refuses, or gets back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.interop.audio import CALLER_HZ, loud_seconds, seconds_in, tone_wav
from tests.interop.pages import Page, PageHotline
from tests.interop.test_pbx_asterisk import HOTLINE, PBX, asterisk_of, feature, folders, page, phone
from tests.live.hotline import Hotline, events, running, wait_until
from voicebot.calls.loops import MOST_ROUNDS
from voicebot.media.wav import read_wav

__all__ = ["folders", "page"]  # fixtures

DIALPLAN = Path(__file__).parent / "unanswered.yaml"


@pytest.fixture(scope="module")
def hotline(page: Page, folders: dict[str, Path]) -> Iterator[Hotline]:
    text = page.file("config.yaml", "trunk")
    with running(PageHotline(folders["voicebot"], text, HOTLINE, DIALPLAN)) as each:
        yield each


@pytest.fixture(scope="module")
def asterisk(
    hotline: Hotline, page: Page, folders: dict[str, Path], asterisk_folder: Path
) -> Iterator[Asterisk]:
    with asterisk_of(page, folders, asterisk_folder, "trunk", "tls", "forwarded") as each:
        wait_until(lambda: each.reaches("voicebot"), 15.0, "the trunk is available")
        yield each


@pytest.mark.usefixtures("asterisk", "baresip_program")
class TestTrunk:
    @feature("our early media (183, PRACK) is heard by a phone behind it, which is then refused (486)")
    def test_a_phone_hears_the_announcement_and_is_told_busy(self, hotline: Hotline, tmp_path: Path) -> None:
        with phone(tmp_path / "caller", "6002") as caller:
            caller.command("dial", f"sip:702@{PBX}:5060")
            closed = caller.wait_for("CALL_ESTABLISHED", "CALL_CLOSED", timeout=20)
        assert (closed["type"], closed["param"][:3]) == ("CALL_CLOSED", "486")
        assert loud_seconds(read_wav(caller.heard())) > 1.5
        record = hotline.new_record()
        assert (record["disposition"], record["release_cause"], record["answered_at"]) == (
            "unanswered",
            "busy",
            None,
        )
        assert "PRACK" in hotline.ladder(str(record["uid"]))

    @feature("it rings (180) at a phone behind it, then is answered: audio both ways")
    def test_it_rings_at_the_phone_and_is_answered(self, hotline: Hotline, tmp_path: Path) -> None:
        with phone(tmp_path / "caller", "6002", says=tone_wav(tmp_path / "t.wav", CALLER_HZ, 60)) as caller:
            caller.command("dial", f"sip:703@{PBX}:5060")
            types = ("CALL_RINGING", "CALL_ESTABLISHED", "CALL_CLOSED")
            assert [caller.wait_for(*types, timeout=20)["type"] for _ in types] == list(types)
        assert loud_seconds(read_wav(caller.heard())) > 1.5
        record = hotline.new_record()
        assert (record["disposition"], record["ended_by"]) == ("answered", "bot")
        assert seconds_in(Path(record["recording"]), CALLER_HZ) > 1.5

    @feature("an extension that is forwarded to the hotline: the 17th round is refused with 482")
    def test_a_call_that_comes_back_is_refused_in_the_17th_round(
        self, hotline: Hotline, asterisk: Asterisk, tmp_path: Path
    ) -> None:
        before = len(hotline.calls())
        asterisk.cli("pjsip set logger on")
        with phone(tmp_path / "caller", "6002") as caller:
            caller.dial(f"sip:701@{PBX}:5060")
            caller.wait_for("CALL_CLOSED", timeout=30)
        wait_until(lambda: all(each["ended_at"] for each in hotline.calls()), 20.0, "every call has ended")
        calls = hotline.calls()[: len(hotline.calls()) - before]
        assert len(calls) == 1 + MOST_ROUNDS  # the 17th round has no record: it was never a call
        assert {each["release_cause"] for each in calls} == {"normal"}
        told = [each["rounds"] for call in calls for each in events(hotline.call(call["uid"]), "came_back")]
        assert told == [MOST_ROUNDS]
        assert "comes back to us again" in hotline.log_text()
        assert asterisk.log_text().count("SIP/2.0 482 ") == 1
