"""The peers, each installed if it is not there and skipped with its reason if it cannot be, and the written report."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.interop.long_call import LongCall
from tests.interop.report import Report
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline, free_port, running, wait_until

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("VOICEBOT_INTEROP_CACHE", "/var/tmp/voicebot-interop"))
REPORT = HERE.parents[1] / "docs" / "interop.md"
DIALPLAN = HERE / "hotline.yaml"
INSTALL_LIMIT = 300.0  # seconds
_PYVOIP = "1.6.8"
_WHAT = pytest.StashKey[Report]()
_FAILED = pytest.StashKey[bool]()
_COLLECTED = pytest.StashKey[int]()
_LOST = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "feature(peer, name, means='works'): the line of docs/interop.md that the test stands for, and what it says if it passes",
    )
    config.stash[_WHAT] = Report()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    outcome = yield
    item.config.stash[_WHAT].take(item, outcome)
    item.stash[_FAILED] = outcome.failed or item.stash.get(_FAILED, False)
    return outcome


def pytest_itemcollected(item: pytest.Item) -> None:
    item.config.stash[_COLLECTED] = item.config.stash.get(_COLLECTED, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write docs/interop.md, but only after a run of everything, to its end, that found every peer there was."""
    config = session.config
    report, options = config.stash[_WHAT], config.option
    everything = [Path(each).resolve() for each in config.args] == [HERE]
    everything = everything and not (options.ignore or options.ignore_glob or getattr(options, "lf", False))
    if everything and 0 < len(report.ended) == config.stash.get(_COLLECTED, 0):
        config.stash[_LOST] = report.lost(REPORT.read_text("utf-8") if REPORT.exists() else "")
        if not config.stash[_LOST]:
            REPORT.write_text(report.text(), "utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[_WHAT].table():
        terminalreporter.write_line(line)
    for line in config.stash.get(_LOST, []):
        terminalreporter.write_line(f"not run this time, so docs/interop.md stays as it is: {line}")


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    return pytestconfig.stash[_WHAT]


def install(program: str, package: str) -> None:
    if shutil.which(program) is None:
        if os.geteuid() != 0:
            pytest.skip(f"{program} is not installed, and installing it needs root")
        print(f"installing {package} ...", file=sys.stderr, flush=True)
        _run([str(HERE / "install_debian.sh"), package], package)
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not there after installing {package}")


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_LIMIT)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{what} cannot be installed: {error}")
    if done.returncode:
        pytest.skip(f"{what} cannot be installed: {(done.stderr or done.stdout).strip()[-300:]}")


@pytest.fixture(scope="session")
def sipp_program(report: Report) -> str:
    install("sipp", "sip-tester")
    version = subprocess.run(["sipp", "-v"], capture_output=True, text=True).stdout
    report.version("SIPp", next((word for word in version.split() if word.startswith("v")), "").rstrip(".,"))
    return "sipp"


@pytest.fixture(scope="session")
def baresip_program(report: Report) -> str:
    install("baresip", "baresip-core")
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "baresip-core"], capture_output=True, text=True
    ).stdout
    report.version("baresip", status)
    return "baresip"


@pytest.fixture(scope="session")
def linphone_program(report: Report) -> str:
    install("linphone-daemon", "linphone-cli")
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "linphone-cli"], capture_output=True, text=True
    ).stdout
    report.version("Linphone", status)
    return "linphone-daemon"


@pytest.fixture(scope="session")
def asterisk_folder(report: Report) -> Path:
    folder = CACHE / "asterisk"
    if not (folder / ".complete").exists():
        if os.geteuid() != 0:
            pytest.skip("Asterisk is not installed, and installing it needs root")
        print("installing Asterisk 22 (100 MB, half a minute) ...", file=sys.stderr, flush=True)
        _run([str(HERE / "install_asterisk.sh"), str(folder)], "Asterisk")
    name = (folder / ".complete").read_text().split("_")[1]
    report.version("Asterisk", name.partition("%3a")[2].partition("+")[0] or name)
    return folder


@pytest.fixture(scope="session")
def pyvoip_python(report: Report) -> Path:
    """The interpreter of an environment that has pyVoIP and nothing else."""
    if sys.version_info >= (3, 13):
        pytest.skip(f"pyVoIP {_PYVOIP} needs the module audioop, which Python 3.13 has no more")
    folder = CACHE / f"pyvoip-{_PYVOIP}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / ".complete").exists():
        print("installing pyVoIP ...", file=sys.stderr, flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], "an environment for pyVoIP")
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _run([*pip, f"pyVoIP=={_PYVOIP}"], "pyVoIP")
        (folder / ".complete").touch()
    report.version("pyVoIP", _PYVOIP)
    return python


@pytest.fixture(scope="session")
def nothing_is_left_running() -> Iterator[None]:
    """Whatever the tests started, peers that make daemons of themselves included, is over with the run."""
    name, value = "VOICEBOT_INTEROP_RUN", str(os.getpid())
    os.environ[name] = value
    yield
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not marked(f"{name}={value}"), 10.0, "everything has ended")
    assert marked(f"{name}={value}") == []


def marked(variable: str) -> list[str]:
    """Return the command lines of the other processes that have inherited an environment variable."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.name != str(os.getpid()) and variable.encode() in (
                process / "environ"
            ).read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text("utf-8", "replace").replace("\0", " ").strip())
    return found


@pytest.fixture(scope="session")
def long_call(
    nothing_is_left_running: None, asterisk_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LongCall]:
    call = LongCall(asterisk_folder, tmp_path_factory.mktemp("long"))
    yield call
    call.close()


@pytest.fixture(scope="session", autouse=True)
def _long_call_goes_on_beside_the_others(
    nothing_is_left_running: None, request: pytest.FixtureRequest
) -> None:
    """Begin it first, if it is asked for at all: its test is the last."""
    if any("long_call" in getattr(item, "fixturenames", ()) for item in request.session.items):
        with contextlib.suppress(pytest.skip.Exception, AssertionError):  # its own test tells why
            request.getfixturevalue("long_call")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "long_call" in getattr(item, "fixturenames", ()))


@pytest.fixture
def sipp(sipp_program: str, tmp_path: Path) -> Sipp:
    return Sipp(tmp_path / sipp_program)


# --- the hotline of a module, and the PBX whose trunk it is: a module overrides what it has otherwise -----------------


@pytest.fixture(scope="module")
def dialplan() -> Path:
    return DIALPLAN


@pytest.fixture(scope="module")
def config() -> Config:
    """What is laid over the hotline's config.yaml."""
    return {}


def office_config(ping_seconds: float = 2) -> Config:
    """Return that of a hotline at which the agent's phone registers, as 6001 with the password hush6001."""
    os.environ["AGENT_PASSWORD"] = "hush6001"
    return {
        "sip": {"auth": {"realm": "office"}},
        "registrar": {"dialplan": "main", "ping_seconds": ping_seconds},
        "agents": {"one": {"register": {"user": "6001", "password": "${AGENT_PASSWORD}"}}},
    }


@pytest.fixture(scope="module")
def port() -> int:
    """The hotline's."""
    return free_port()


@pytest.fixture(scope="module")
def guarded_port() -> int:
    """That of a second hotline, which asks for a password."""
    return free_port()


@pytest.fixture(scope="module")
def agent_port() -> int:
    """That of the only agent's phone."""
    return free_port()


@pytest.fixture(scope="module")
def hotline(
    dialplan: Path, config: Config, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hotline]:
    with running(Hotline(tmp_path_factory.mktemp("hotline"), dialplan, port=port, config=config)) as each:
        yield each


@pytest.fixture(scope="module")
def asterisk(
    asterisk_folder: Path, port: int, guarded_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asterisk]:
    with Asterisk(asterisk_folder, tmp_path_factory.mktemp("asterisk"), port, guarded_port) as each:
        yield each


@pytest.fixture(autouse=True)
def _watched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every server of the test survives it, and no channel is left; their logs are printed when it fails."""
    names = [name for name in request.fixturenames if name != request.fixturename]
    fixtures = [request.getfixturevalue(name) for name in names]
    hotlines = {each for each in fixtures if isinstance(each, Hotline)}
    pbxs = {each for each in fixtures if isinstance(each, Asterisk)}
    for hotline in hotlines:
        hotline.begin_test()
    yield
    if request.node.stash.get(_FAILED, False):
        for each in hotlines | pbxs:
            print(each.log_text()[-6000:])
    for hotline in hotlines:
        assert hotline.running
    wait_until(lambda: not any(pbx.channels() for pbx in pbxs), 8.0, "no channel of Asterisk is left")
