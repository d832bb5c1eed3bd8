"""The house: what no compiler sees and every reader relies on. Run from anywhere: python3 house_test.py [-v]."""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = {".cpp", ".h", ".hpp", ".c"}
COLUMNS = 100

# Words of the sample service. Any letter before, or a small one behind, makes it another word (`seatId` is one of them).
WORDS = re.compile(r"(?<![A-Za-z])(?i:seat|reservation|payment|concert|receipt|notion)s?(?![a-z])")
# The folder that `demo` and `bench` play when they are given none is the one thing of the sample that the binary knows.
SAMPLE = re.compile(r'"pipelines/concert"')
SETTING = re.compile(r'"queue[.]buffering[.][a-z.]+"')  # librdkafka's

WAITS = re.compile(r"sleep_for|sleep_until|usleep|nanosleep|\bsleep\s*\(")
POLLING = "polls:"  # a helper that waits for a condition says so on the line: `// polls: the child prints its port`


def files():
    """What git knows or would add, and what is there."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        found = [ROOT / name for name in names if name]
    else:  # an archive without git
        found = [path for path in ROOT.rglob("*") if not re.match(r"build|[.]git/", str(path.relative_to(ROOT)))]
    seeds = ROOT / "tests/fuzz/corpus"  # hostile bytes, which are no text
    return sorted({path for path in found
                   if path.is_file() and not path.is_symlink() and seeds not in path.parents})


FILES = files()


def name(path):
    return path.relative_to(ROOT).as_posix()


def under(*folders, suffixes=None):
    return [path for path in FILES
            if name(path).startswith(tuple(folder + "/" for folder in folders))
            and (suffixes is None or path.suffix in suffixes)]


def lines(path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def sees():
    """The dependency table of runtime/CMakeLists.txt: folder -> the folders it may include."""
    text = re.sub(r"#.*", "", (ROOT / "runtime/CMakeLists.txt").read_text(encoding="utf-8"))
    table = {}
    for call in re.findall(r"reprise_layer\(([^)]*)\)", text):
        words = call.split()
        behind = words[words.index("SEES") + 1:] if "SEES" in words else []
        table[words[0]] = {words[0], *behind[:behind.index("USES") if "USES" in behind else None]}
    return table


def raw_text(path):
    """The numbers of the lines of raw string literals: their columns belong to what they say."""
    raw, end = set(), None
    for number, line in lines(path):
        start = None if end else re.search(r'R"([^( ]*)\(', line)
        if start:
            end = f'){start[1]}"'
        if end:
            raw.add(number)
            if end in line[start.end() if start else 0:]:
                end = None
    return raw


class House(unittest.TestCase):
    maxDiff = None

    def holds(self, findings):
        self.assertEqual([], findings, "\n" + "\n".join(findings))

    def test_the_runtime_knows_no_plugin_and_no_word_of_the_sample_service(self):
        plugins = sorted(path.parent.name for path in ROOT.glob("plugins/*/CMakeLists.txt"))
        plugins.remove("topic")  # a word of the runtime's own; its action is not
        self.assertTrue(plugins)
        either = "|".join(map(re.escape, plugins))
        # As a reference: `queue.enter`, `plugin: queue`, `#include "queue/..."`. As a word of C++, `queue` may stay.
        reference = re.compile(rf"(?<![\w.>:-])({either})[.][a-z]|plugin: *({either})\b|[\"/]({either})[.](so|cpp|h)\b")
        found = []
        for path in under("runtime"):
            for number, line in lines(path):
                words = WORDS.search(SAMPLE.sub("", line))
                if words or "topic.send" in line or reference.search(SETTING.sub("", line)) or "data-platform" in line:
                    found.append(f"{name(path)}:{number}: {line.strip()}")
        self.holds(found)

    def test_a_folder_includes_only_what_the_table_lets_it_see(self):
        table = sees()
        self.assertTrue({"base", "model", "executor", "app"} <= set(table), table)
        found = []
        for path in under("runtime", suffixes=CODE):
            folder = path.relative_to(ROOT / "runtime").parts[0]
            if folder not in table:
                found.append(f"{name(path)}: runtime/{folder} is not in runtime/CMakeLists.txt")
                continue
            for number, line in lines(path):
                include = re.match(r'\s*#\s*include\s+"(\w+)/', line)
                if include and include[1] in table and include[1] not in table[folder]:
                    found.append(f"{name(path)}:{number}: {folder} does not see {include[1]}")
        self.holds(found)

    def test_the_table_has_no_circle(self):
        table = {folder: seen - {folder} for folder, seen in sees().items()}
        while table:
            ready = {folder for folder, seen in table.items() if not seen & set(table)}
            self.assertTrue(ready, f"a circle: {table}")
            table = {folder: seen for folder, seen in table.items() if folder not in ready}

    def test_plugins_and_the_sdk_include_nothing_of_the_runtime(self):
        found = []
        for path in under("plugins", "sdk", suffixes=CODE):
            for number, line in lines(path):
                include = re.match(r'\s*#\s*include\s+"(\w+)/', line)
                if include and include[1] in sees():
                    found.append(f"{name(path)}:{number}: {line.strip()}")
        self.holds(found)

    def test_tests_do_not_sleep(self):
        tests = under("tests", "sdk", suffixes=CODE | {".py", ".sh"})
        tests += [path for path in under("plugins", suffixes=CODE) if path.stem.endswith("_test")]
        self.holds([f"{name(path)}:{number}: {line.strip()}"
                    for path in tests if path != pathlib.Path(__file__).resolve()
                    for number, line in lines(path) if WAITS.search(line) and POLLING not in line])

    def test_nothing_is_left_for_later(self):
        later = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
        text = CODE | {".md", ".yaml", ".txt", ".cmake", ".py", ".sh", ""}
        self.holds([f"{name(path)}:{number}: {line.strip()}" for path in FILES if path.suffix in text
                    for number, line in lines(path) if later.search(line)])

    def test_a_header_says_its_one_job_first_and_is_read_once(self):
        found = []
        for path in FILES:
            if path.suffix not in {".h", ".hpp"}:
                continue
            text = path.read_text(encoding="utf-8")
            if not text.startswith(("///", "/*")):
                found.append(f"{name(path)}:1: opens without its job (`///`)")
            # abi.h is C for any compiler, and what a test plugin in C includes is C too.
            guarded = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M)
            if "#pragma once" not in text and not guarded:
                found.append(f"{name(path)}:1: no #pragma once")
        self.holds(found)

    def test_code_fits_a_hundred_columns(self):
        found = []
        for path in FILES:
            if path.suffix not in CODE or path.name == "abi.h":
                continue
            raw = raw_text(path)
            found += [f"{name(path)}:{number}: {len(line)} columns" for number, line in lines(path)
                      if len(line) > COLUMNS and number not in raw and "://" not in line]
        self.holds(found)

    def test_a_plugin_has_a_test_and_a_readme(self):
        found = []
        for folder in sorted(ROOT.glob("plugins/*/")):
            if not (folder / "CMakeLists.txt").exists():
                continue
            if not list(folder.glob("*_test.cpp")):
                found.append(f"{name(folder)}: no test")
            if not (folder / "README.md").exists():
                found.append(f"{name(folder)}: no README.md")
        self.holds(found)

    def test_a_folder_says_what_it_is(self):
        folders = ["", "runtime", "plugins", "pipelines/concert", "tests", "tests/bench", "tests/stand-ins", "sdk",
                   "deploy", "cmake"]
        self.holds([f"{folder or '.'}: no README.md" for folder in folders
                    if not (ROOT / folder / "README.md").exists()])

    def test_every_folder_of_the_runtime_is_in_its_readme(self):
        text = (ROOT / "runtime/README.md").read_text(encoding="utf-8")
        self.holds([f"runtime/README.md: no row for `{folder}/`" for folder in sorted(sees())
                    if f"| `{folder}/`" not in text])

    def test_readmes_name_only_what_is_there(self):
        found = []
        for path in [path for path in FILES if path.suffix == ".md"]:
            for number, line in lines(path):
                for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", line):
                    if not (path.parent / target).exists():
                        found.append(f"{name(path)}:{number}: {target} is not there")
        self.holds(found)

    def test_the_readme_opens_with_the_two_commands(self):
        top = (ROOT / "README.md").read_text(encoding="utf-8").split("\n")[:25]
        demo = next((i for i, line in enumerate(top) if line.startswith("make demo")), None)
        test = next((i for i, line in enumerate(top) if line.startswith("make test")), None)
        self.assertIsNotNone(demo, "`make demo` is not on the first screen")
        self.assertIsNotNone(test, "`make test` is not on the first screen")
        self.assertLess(demo, test)
        block = top.index("```sh")
        self.assertEqual(block + 1, demo, "the first block is not these two commands")

    def test_the_licence_is_there(self):
        self.assertIn("Apache License", (ROOT / "LICENSE").read_text(encoding="utf-8"))

    def test_shown_code_is_real_code(self):
        """Each fenced block of README.md under `<!-- from FILE -->` stands in FILE, line for line, in order.

        A line that is only `# ...` or `// ...` says that something was left out.
        """
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        shown = re.findall(r"<!-- from (\S+) -->\s*```\w+\n(.*?)```", text, re.S)
        self.assertGreaterEqual(len(shown), 2)
        found = []
        for source, block in shown:
            real = [line.strip() for line in (ROOT / source).read_text(encoding="utf-8").splitlines()]
            at = 0
            for line in filter(None, (line.strip() for line in block.splitlines())):
                if line in {"# ...", "// ..."}:
                    continue
                try:
                    at = real.index(line, at) + 1
                except ValueError:
                    found.append(f"{source} has no such line (any more): {line}")
        self.holds(found)


if __name__ == "__main__":
    unittest.main()
