#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a compiler cannot see, checked on the sources themselves.

usage: tidy_test.py REPOSITORY [BUILD_FOLDER BUILD_TYPE]
"""
import pathlib
import re
import subprocess
import sys
import unittest

# What a folder of src/ may include and link. Arrows point down only:
# base <- {text, tensor, net} <- {kernels, catalog, grammar, router} <- {model, knowledge} <- {engine, ledger} <- answer
#      <- {server, eval} <- claims <- cli; folders of one floor do not see each other.
ARROWS = {
    "base": set(),
    "text": {"base"},
    "tensor": {"base"},
    "net": {"base"},
    "kernels": {"base", "tensor"},
    "catalog": {"base", "tensor", "net"},
    "grammar": {"base", "text"},
    "router": {"base", "text"},
    "model": {"base", "text", "tensor", "kernels"},
    "knowledge": {"base", "text", "kernels"},
    "engine": {"base", "text", "tensor", "kernels", "grammar", "model"},
    "ledger": {"base", "text", "knowledge"},
    "answer": {"base", "text", "knowledge", "ledger", "router", "engine"},
}
_BELOW = set(ARROWS)
ARROWS["server"] = _BELOW
ARROWS["eval"] = _BELOW
ARROWS["claims"] = _BELOW | {"eval"}
ARROWS["cli"] = _BELOW | {"server", "eval", "claims"}

# Tripwires. What is longer needs a reason here; a reason that is no longer needed must go.
MAX_COLUMNS = 100
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
LONG_FILES = {}  # "src/folder/file.cc": "reason"
LONG_FUNCTIONS = {
}

# Tests that expect nothing, because they fail by a crash or a hang.
SURVIVALS = {
    "Gguf, SurvivesEachByteChanged",
    "ThreadPoolTest, ClosesWhileWorkersSpinOrSleep",
}

# Files compiled for one instruction set: what they emit weakly could replace the baseline's copy at link time.
ISA_FILES = re.compile(r"^src/kernels/(avx|avx2|avx512|neon)\w*\.cc$")
ISA_HEADERS = re.compile(r"^(\w*intrin\.h|arm_neon\.h|cstddef|cstdint|kernels/.*|base/check\.h|tensor/.*)$")

# Of one machine, or of one registry. Split, so that this file does not hold them.
FOREIGN = re.compile(r"(?<![\w}])/(ro" + "ot|wo" + r"rk|ho" + r"me/\w+)/|pypi" + r"\.org|deb" + r"\.debian\.org")
UNFINISHED = re.compile("TO" + "DO|FIX" + "ME")
COMMENT_MARKS = {".h": "//", ".cc": "//", ".py": "#", ".sh": "#", "": "#", ".txt": "#", ".cmake": "#"}

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
BUILD = [sys.argv.pop(1) for _ in sys.argv[1:3]]


def sources():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, encoding="utf-8").stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def is_data(name):
    return name.startswith(("tests/data/", "tests/fuzz/corpus/")) or name == "LICENSE"


def is_program(name):
    """C++, Python, shell or CMake that we wrote."""
    path = pathlib.PurePath(name)
    if is_data(name) or path.name.startswith("."):
        return False
    if path.suffix == "":
        return read(name).startswith("#!")
    return path.suffix in (".h", ".cc", ".py", ".sh", ".cmake") or path.name == "CMakeLists.txt"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def code_of(text):
    """The text with comments and literals blanked, line for line."""
    pattern = r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*(?:.|\n)*?\*/'
    return re.sub(pattern, lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def functions_of(text):
    """(name, first line, line count, body) of each function; relies on the format: "}" stands below its start."""
    lines = code_of(text).split("\n")
    start = None
    for number, line in enumerate(lines):
        if re.match(r"(  )?[A-Za-z~\[\]]", line) and not line.endswith(";"):
            indent = len(line) - len(line.lstrip())
            if not re.match(r"\s*(namespace|extern|class|struct|enum|union|public:|private:|protected:)\b", line):
                if start is None or indent <= start[1]:
                    start = (number, indent)
        if start and line == " " * start[1] + "}":
            body = lines[start[0] : number + 1]
            head = "\n".join(body).split("{")[0]
            name = re.search(r"([\w:~]+|operator\W+)\s*\(", head)
            if name:
                test = re.search(r"\bTEST\w*\(([^)]*)\)", head)
                yield (test.group(1) if test else name.group(1), start[0] + 1, len(body), "\n".join(body))
            start = None


ALL = sources()
PROGRAMS = [name for name in ALL if is_program(name)]
CPP = [name for name in PROGRAMS if name.endswith((".h", ".cc"))]


class TidyTest(unittest.TestCase):
    def refuse(self, faults):
        faults = list(faults)
        if faults:
            self.fail("\n".join(["", *faults]))

    def test_each_file_names_its_licence_and_then_its_idea(self):
        faults = []
        for name in PROGRAMS:
            mark = COMMENT_MARKS[pathlib.PurePath(name).suffix]
            lines = read(name).split("\n")
            if lines[0].startswith("#!"):
                lines = lines[1:]
            if lines[0] != f"{mark} SPDX-License-Identifier: Apache-2.0":
                faults.append(f"{name}: no SPDX line")
            idea = lines[1] if len(lines) > 1 else ""
            if not idea.startswith((mark + " ", '"""')) and not name.endswith(("CMakeLists.txt", "_test.cc")):
                faults.append(f"{name}: the second line does not say what the file holds")
        self.refuse(faults)

    def test_includes_point_down(self):
        faults = []
        for name in CPP:
            if not name.startswith("src/"):
                continue
            folder = name.split("/")[1]
            if folder not in ARROWS:
                faults.append(f"{name}: src/{folder} has no row in the table of arrows")
                continue
            for target in re.findall(r'^#include "([^"]+)"', read(name), re.M):
                other = target.split("/")[0]
                if not (ROOT / "src" / target).is_file() and not (ROOT / "src" / (target + ".in")).is_file():
                    faults.append(f"{name}: {target} is no file of src/")
                elif other != folder and other not in ARROWS[folder]:
                    faults.append(f"{name}: {folder} may not include {target}")
        self.refuse(faults)

    def test_links_point_down(self):
        faults = []
        for folder, below in ARROWS.items():
            if (ROOT / "src" / folder / "CMakeLists.txt").is_file():
                linked = set(re.findall(r"\bkinglet_(\w+)\b(?!\()", read(f"src/{folder}/CMakeLists.txt")))
                for other in sorted((linked & set(ARROWS)) - below - {folder}):
                    faults.append(f"src/{folder}/CMakeLists.txt: {folder} may not link {other}")
        self.refuse(faults)

    def test_nothing_unfinished_and_nothing_of_one_machine(self):
        faults = []
        for name in ALL:
            if is_data(name):
                continue
            for number, line in enumerate(read(name).split("\n"), start=1):
                found = FOREIGN.search(line) or UNFINISHED.search(line)
                if found:
                    faults.append(f"{name}:{number}: {found.group()}")
        self.refuse(faults)

    def test_lines_are_short(self):
        faults = []
        for name in CPP:
            for number, line in enumerate(read(name).split("\n"), start=1):
                if len(line) > MAX_COLUMNS and "http" not in line and 'R"' not in line:
                    faults.append(f"{name}:{number}: {len(line)} columns")
        self.refuse(faults)

    def test_files_are_short(self):
        long = {name for name in CPP if read(name).count("\n") > MAX_FILE_LINES}
        self.refuse([f"{name}: {read(name).count(chr(10))} lines" for name in sorted(long - set(LONG_FILES))])
        self.refuse([f"{name}: no longer long, its reason must go" for name in sorted(set(LONG_FILES) - long)])

    def test_functions_are_short(self):
        long = {}
        for name in CPP:
            for function, line, count, _ in functions_of(read(name)):
                if count > MAX_FUNCTION_LINES:
                    long[f"{name}:{function}"] = f"{name}:{line}: {function} has {count} lines"
        self.refuse([text for key, text in sorted(long.items()) if key not in LONG_FUNCTIONS])
        self.refuse([f"{key}: no longer long, its reason must go" for key in sorted(set(LONG_FUNCTIONS) - set(long))])

    def test_each_source_is_built(self):
        faults = []
        for name in CPP:
            path = pathlib.PurePath(name)
            if path.suffix != ".cc":
                continue
            lists = [ROOT / folder / "CMakeLists.txt" for folder in path.parents]
            texts = [file.read_text(encoding="utf-8") for file in lists if file.is_file()]
            if not any(re.search(rf"(?<![\w]){re.escape(path.name)}(?![\w])", text) for text in texts):
                faults.append(f"{name}: no CMakeLists.txt names it")
        self.refuse(faults)

    def test_each_header_is_included(self):
        included = set()
        for name in CPP:
            included.update(re.findall(r'^#include "([^"]+)"', read(name), re.M))
        headers = [name for name in CPP if name.startswith("src/") and name.endswith(".h")]
        self.refuse([f"{name}: nobody includes it" for name in headers if name.removeprefix("src/") not in included])

    def test_each_test_can_fail(self):
        faults = []
        for name in CPP:
            if not name.endswith("_test.cc"):
                continue
            functions = list(functions_of(read(name)))
            checks = re.compile(r"\b(EXPECT|ASSERT)_|\b(FAIL|ADD_FAILURE)\(")
            helpers = {f for f, _, _, body in functions if checks.search(body) and not re.search(r"\bTEST", body)}
            calls = re.compile(r"\b(" + "|".join(map(re.escape, helpers)) + r")\b") if helpers else checks
            for function, line, _, body in functions:
                if not re.match(r"\s*(TYPED_)?TEST\w*\(", body) or function in SURVIVALS:
                    continue
                if not checks.search(body) and not calls.search(body):
                    faults.append(f"{name}:{line}: {function} expects nothing")
        self.refuse(faults)

    def test_each_fuzz_target_has_seeds(self):
        faults = []
        for name in CPP:
            found = re.match(r"tests/fuzz/(\w+)_fuzz\.cc$", name)
            if found and not any(other.startswith(f"tests/fuzz/corpus/{found.group(1)}/") for other in ALL):
                faults.append(f"{name}: tests/fuzz/corpus/{found.group(1)} is empty")
        self.refuse(faults)

    def test_test_data_names_its_source(self):
        readme = read("tests/data/README.md")
        entries = {name.split("/")[2] for name in ALL if name.startswith("tests/data/")} - {"README.md"}
        self.refuse([f"tests/data/{entry}: not in tests/data/README.md" for entry in sorted(entries) if entry not in readme])

    def test_files_for_one_instruction_set_bring_no_library_code(self):
        faults = []
        for name in filter(ISA_FILES.match, CPP):
            for target in re.findall(r'^#include [<"]([^>"]+)[>"]', read(name), re.M):
                if not ISA_HEADERS.match(target):
                    faults.append(f"{name}: includes {target}")
            if len(BUILD) == 2 and BUILD[1] == "Release":
                for compiled in pathlib.Path(BUILD[0]).glob(f"{pathlib.PurePath(name).parent}/CMakeFiles/*/{pathlib.PurePath(name).name}.o"):
                    symbols = subprocess.run(["nm", "-C", compiled], check=True, capture_output=True, encoding="utf-8")
                    faults += [f"{name}: weak symbol {line}" for line in symbols.stdout.split("\n") if re.search(r" [VWu] ", line)]
        self.refuse(faults)


if __name__ == "__main__":
    unittest.main()
