"""What surrounds the code: hooks, workflows and the changelog say what the Makefile and pyproject.toml say."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
ACTION = re.compile(r"uses: (?P<name>[\w./-]+)@(?P<at>\S+)(?: # (?P<said>v[\d.]+))?")

each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)


def made_by(target: str) -> list[str]:
    """The targets that another one is made of."""
    [needed] = re.findall(rf"^{target}: ([^#\n]*)", MAKEFILE, re.MULTILINE)
    return needed.split()


def pythons() -> list[str]:
    """The versions of Python that the package is for."""
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each) for each in PROJECT["classifiers"])
    return [match[1] for match in found if match]


def test_the_hooks_before_a_commit_are_the_parts_of_make_lint() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"entry: make (\S+)", hooks) == made_by("lint")


@each_workflow
def test_actions_are_pinned_by_commit_and_say_their_version(workflow: Path) -> None:
    actions = list(ACTION.finditer(workflow.read_text(encoding="utf-8")))
    assert actions
    for action in actions:
        assert re.fullmatch(r"[0-9a-f]{40}", action["at"]), action[0]
        assert action["said"], action[0]


@each_workflow
def test_targets_that_a_workflow_makes_exist(workflow: Path) -> None:
    targets = re.findall(r"\bmake ([\w-]+)", workflow.read_text(encoding="utf-8"))
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets), targets


@each_workflow
def test_a_workflow_has_no_rights_but_those_that_a_job_names(workflow: Path) -> None:
    assert "\npermissions: {}\n" in workflow.read_text(encoding="utf-8")


def test_every_version_of_python_is_tested_and_has_a_wheel() -> None:
    test, wheels = (
        (ROOT / ".github/workflows" / name).read_text(encoding="utf-8") for name in ("test.yml", "wheels.yml")
    )
    runner = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for version in pythons():
        assert f'"{version}"' in test
        assert f'"{version}"' in wheels
        assert version in runner
    assert PROJECT["requires-python"] == f">={pythons()[0]}"


def test_the_changelog_has_the_sections_of_its_convention() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release) for release in releases[1:])
    for release in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        found = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert found == [section for section in SECTIONS if section in found]
