"""Python functions as checks: in a process of their own, which may raise, hang, print or die."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.evals.checks import Bench, CompiledCheck, compile_checks, python
from store.records.evals import Case, Check

FUNCTIONS = """
import os, sys, time

def short(output, case):
    print("this goes nowhere near the wire")
    return len(output) < 5

def near(output, case):
    return {"score": 0.25, "detail": case["expected"]}

def raises(output, case):
    raise KeyError("tone")

def hangs(output, case):
    if output == "hang":
        time.sleep(60)
    return True

def dies(output, case):
    os._exit(3)

def is_killed(output, case):
    os.kill(os.getpid(), 9)

def leaves(output, case):
    sys.exit(1)

def much(output, case):
    return 7

def text(output, case):
    return "yes"

def prints(output, case):
    for _ in range(40):
        print("x" * 100_000)
    return True

def tells(output, case):
    return {"score": 1, "detail": "y" * 5_000_000}

def heavy(output, case):
    import numpy
    return numpy.mean([0.0, 1.0]) if output == "mean" else numpy.bool_(True)

def leaves_a_child(output, case):
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open(output, "w") as file:
        file.write(str(child.pid))
    time.sleep(60)

def lets_others_read(output, case):
    import subprocess
    return subprocess.run(["cat"], stdout=subprocess.PIPE).stdout == b""

def asks(output, case):
    return input() == "no"

def forks(output, case):
    os.fork()
    return output == "right"

def closes(output, case):
    os.closerange(3, 64)
    time.sleep(60)

kept = []

def eats(output, case):
    if output == "eat":
        for _ in range(1024):  # without a limit it ends all the same
            kept.append(bytes(1 << 20))
    return not kept

def calls_home(output, case):
    import socket
    socket.create_connection(("192.0.2.1", 80), timeout=1)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "own.py").write_text(FUNCTIONS)
    bench = Bench([tmp_path], python_checks=True)
    yield bench
    bench.close()


def check(bench: Bench, name: str, seconds: float = 10.0, memory_mb: int = 2048) -> CompiledCheck:
    options = {"function": f"own.py:{name}", "seconds": seconds, "memory_mb": memory_mb}
    [compiled] = compile_checks([Check("python", options=options)], bench)
    return compiled


CASE = Case("c1", "?", expected="near")


def test_a_function_says_yes_or_no_or_gives_a_score(bench: Bench) -> None:
    short = check(bench, "short")
    assert [short.result(text, CASE).passed for text in ("abc", "abcdef", "x")] == [True, False, True]
    near = check(bench, "near").result("abc", CASE)
    assert (near.score, near.detail, near.passed) == (0.25, "near", False)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", "own.py:raises raised KeyError: 'tone'"),
        ("dies", "own.py:dies ended its process with 3"),
        ("is_killed", "own.py:is_killed ended its process by SIGKILL"),
        ("closes", "own.py:closes closed the pipe that its answer goes through"),
        ("leaves", "own.py:leaves raised SystemExit: 1"),
        ("much", "own.py:much raised ValueError: returned 7, which is not between 0 and 1"),
        ("text", "own.py:text raised TypeError: returned str, not true, false or a number"),
    ],
)
def test_a_function_that_breaks_is_an_error_of_the_case(bench: Bench, name: str, error: str) -> None:
    result = check(bench, name).result("abc", CASE)

    assert result.error.startswith(error)
    assert not result.passed


def test_a_function_that_hangs_is_ended_and_the_next_case_is_judged(bench: Bench) -> None:
    hangs = check(bench, "hangs", seconds=0.5)

    assert hangs.result("hang", CASE).error == "own.py:hangs did not return within 0.5 s"
    assert hangs.result("go on", CASE).passed


def test_a_function_that_eats_memory_is_ended_and_the_next_case_is_judged(bench: Bench) -> None:
    eats = check(bench, "eats", memory_mb=256)

    said = "own.py:eats needed more than the 256 MiB of memory that memory_mb allows"
    assert eats.result("eat", CASE).error == said
    assert eats.result("go on", CASE).passed


def test_a_function_that_forks_gives_each_case_its_own_verdict(bench: Bench) -> None:
    forks = check(bench, "forks")

    said = [forks.result(text, CASE).passed for text in ("right", "wrong", "right", "right", "wrong")]
    assert said == [True, False, True, True, False]


def test_a_file_that_cannot_be_loaded_is_tried_once(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "open('tries', 'a').write('x')\nimport nowhere\ndef f(output, case): ...\n"
    )
    broken = check(bench, "f")

    errors = {broken.result("abc", CASE).error for _ in range(3)}
    assert errors == {"own.py:f cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"}
    assert (tmp_path / "tries").read_text() == "x"


def test_what_a_function_prints_is_cut_and_what_it_says_at_length_too(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(bench, "prints").result("", CASE).passed
    assert len(check(bench, "tells").result("", CASE).detail) == 300
    bench.close()
    assert len(capsys.readouterr().err) <= python.PRINTED


def test_a_function_may_use_large_libraries_and_return_their_numbers(bench: Bench) -> None:
    heavy = check(bench, "heavy")

    assert heavy.result("mean", CASE).score == 0.5
    assert heavy.result("", CASE).passed


def test_what_a_hanging_function_started_ends_with_it(bench: Bench, tmp_path: Path) -> None:
    note = tmp_path / "child"

    assert "did not return" in check(bench, "leaves_a_child", seconds=2.0).result(str(note), CASE).error
    with contextlib.suppress(psutil.NoSuchProcess):
        child = psutil.Process(int(note.read_text()))
        try:
            child.wait(timeout=10)
        except psutil.TimeoutExpired:  # where no init takes it, a killed child stays as a zombie
            assert child.status() == psutil.STATUS_ZOMBIE


def test_a_function_and_what_it_starts_read_nothing(bench: Bench) -> None:
    assert "EOFError" in check(bench, "asks").result("", CASE).error
    reads = check(bench, "lets_others_read")
    assert [reads.result("", CASE).passed for _ in range(2)] == [True, True]


def test_a_file_without_the_function_is_refused_before_it_runs(tmp_path: Path) -> None:
    bench = Bench([tmp_path], python_checks=True)
    (tmp_path / "two.py").write_text("def one(output, case): ...\ndef two(output, case): ...\n")
    (tmp_path / "broken.py").write_text("def one(:\n")

    for function, reason in [
        ("two.py:three", "two.py: has no function 'three'; it has one, two"),
        ("broken.py:one", "broken.py: is no Python that can be read"),
    ]:
        with pytest.raises(ValueError, match=reason):
            compile_checks([Check("python", options={"function": function})], bench)


def test_a_function_does_not_reach_the_network(bench: Bench) -> None:
    assert "NetworkRefused" in check(bench, "calls_home").result("abc", CASE).error


def test_functions_are_refused_unless_the_workspace_allows_them(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(FUNCTIONS)

    with pytest.raises(ValueError, match="python_checks = true"):
        check(Bench([tmp_path]), "short")
    with pytest.raises(ValueError, match=r"there is no such file"):
        compile_checks([Check("python", options={"function": "none.py:f"})], Bench([tmp_path]))
    with pytest.raises(ValueError, match=r"python needs `function`"):
        compile_checks([Check("python", options={"function": "own.py"})], Bench([tmp_path]))
    with pytest.raises(ValueError, match=r"`memory_mb` is 1; Python alone takes 64"):
        compile_checks(
            [Check("python", options={"function": "own.py:short", "memory_mb": 1})], Bench([tmp_path])
        )
