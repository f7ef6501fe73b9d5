"""Plants bugs and counts which of them the simulator and the planner's own tests notice.

All mutants are built into one copy of the tree, each behind a switch that an environment variable turns
on, so that one build serves all of them: `planted.toml` names those of other systems, the generic ones
are every condition of the planner and its checks turned over, and every rule of the checks left out.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / ".build" / "mutants"
PLANTED = ROOT / "Tests" / "Mutants" / "planted.toml"
COPIED = ["Package.swift", "Package.resolved", ".ci", "Sources", "Tests", "Benchmarks"]
SWITCH = """import Glibc
/// Which bug is wanted.
package enum Mutant {
  private static let active = getenv("VIRIDIAN_MUTANT").flatMap { Int(String(cString: $0)) } ?? 0
  package static func on(_ number: Int) -> Bool { active == number }
  package static func unless<Plan>(
    _ isOn: Bool, _ rule: @escaping @Sendable (Plan) -> [String]
  ) -> @Sendable (Plan) -> [String] {
    guard isOn else { return rule }
    return { (_: Plan) -> [String] in [] }
  }
}
"""
# Files in which every condition is turned over.
GENERIC = ["Sources/Planning/**/*.swift"]
GUARD = re.compile(r"^( *)guard ((?:(?!\blet\b|\bcase\b|\bvar\b|\{|,).)+) else \{(.*)$")
IF = re.compile(r"^( *)if ((?:(?!\blet\b|\bcase\b|\bvar\b|\{|,).)+) \{(.*)$")
RULE = re.compile(r'\("(\w+)", (\w+)\)')


class Mutants:
    def __init__(self):
        self.all = []  # (number, kind, name, where)

    def add(self, kind, name, where):
        self.all.append((len(self.all) + 1, kind, name, where))
        return f"Mutant.on({len(self.all)})"

    def plant(self):
        for entry in planted():
            switch = self.add("planted", entry["name"], entry["what"])
            for edit in edits(entry):
                path = TREE / edit["file"]
                text = path.read_text()
                text = text.replace(edit["find"], edit["replace"].replace("MUTANT", switch))
                path.write_text(text if "/Model/" in edit["file"] else import_model(text))

    def leave_out_rules(self):
        path = TREE / "Sources/Planning/PlanChecks.swift"
        text = path.read_text()
        head, tail = text.split("private static let rules", 1)

        def change(match):
            switch = self.add("rule", f"{match[1]} {match[2]}", "left out")
            return f'("{match[1]}", Mutant.unless({switch}, {match[2]}))'

        path.write_text(import_model(head + "private static let rules" + RULE.sub(change, tail)))

    def turn_conditions(self):
        for pattern in GENERIC:
            for path in sorted(TREE.glob(pattern)):
                lines = [self.turned(line, f"{path.relative_to(TREE)}:{number}")
                         for number, line in enumerate(path.read_text().split("\n"), 1)]
                path.write_text(import_model("\n".join(lines)))

    def turned(self, line, where):
        if "Mutant.on" in line or "#" in line:
            return line
        if (match := GUARD.match(line)) and whole(match[2]):
            switch = self.add("generic", match[2], f"{where}: not asked")
            return f"{match[1]}guard {switch} || ({match[2]}) else {{{match[3]}"
        if (match := IF.match(line)) and whole(match[2]):
            switch = self.add("generic", match[2], f"{where}: turned over")
            return f"{match[1]}if ({match[2]}) != {switch} {{{match[3]}"
        return line


def planted():
    return tomllib.loads(PLANTED.read_text())["mutant"]


def edits(entry):
    return [entry] + entry.get("also", [])


def misplaced():
    """What the planted bugs replace and the sources do not have, or have more than once."""
    texts = {}
    for entry in planted():
        for edit in edits(entry):
            text = texts.get(edit["file"]) or (ROOT / edit["file"]).read_text()
            if text.count(edit["find"]) != 1:
                yield (f"{entry['name']}: {edit['find']!r} stands {text.count(edit['find'])} times in"
                       f" {edit['file']}")
            # The next ones are planted beside it.
            texts[edit["file"]] = text.replace(edit["find"], edit["replace"])


def whole(condition):
    return condition.count("(") == condition.count(")") and condition.count("[") == condition.count("]")


def import_model(text):
    if "Mutant.on" not in text or re.search(r"^(package )?import Model$", text, re.M):
        return text
    return "import Model\n" + text


def copy():
    """Keeps what was built of the packages before."""
    TREE.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source, target = ROOT / name, TREE / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)


def build():
    command = [".ci/swift-with-pins", "build", "-c", "release", "-Xswiftc", "-enable-testing", "--build-tests"]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stdout.split("\n") if "error:" in line]
        sys.exit("the mutants do not build:\n" + "\n".join(sorted(set(errors))[:40]))


def run(command, number, limit):
    environment = os.environ | {
        "VIRIDIAN_MUTANT": str(number), "SWIFT_DETERMINISTIC_HASHING": "1", "NO_COLOR": "1",
        "SWIFT_BACKTRACE": "enable=no"}
    try:
        done = subprocess.run(
            command, cwd=TREE, env=environment, capture_output=True, text=True, errors="replace",
            timeout=limit)
    except subprocess.TimeoutExpired:
        return "it does not end"
    if done.returncode == 0:
        return None
    lines = done.stdout.split("\n") + done.stderr.split("\n")
    return next((line[:110] for line in lines if re.match(r"(seed \d+|.*, dead at \[\]): |✘ Test .* (recorded|failed)", line)), "it crashes")


STORIES = [".build/release/viridian-simulate", "deaths", "--unharmed", "--threads", "1"]


def simulate(first, seeds):
    return [".build/release/viridian-simulate", "run", "--from", str(first), "--seeds", str(seeds), "--first",
            "--threads", "1"]


def tests(*arguments):
    return [".build/release/viridianPackageTests.xctest", "--testing-library", "swift-testing",
            "--filter", "^PlanningTests", *arguments]


def verdict(mutant, seeds):
    """What has noticed it: the cheapest asked first, as most mutants are noticed by anything."""
    few = min(seeds, 60)
    stages = [
        STORIES, simulate(1, few), tests("--skip", "SearchTests|RandomWalkTests"), simulate(1 + few, seeds - few),
        tests(),
    ]
    found = (run(stage, mutant[0], 900) for stage in stages)
    return mutant, next((how for how in found if how), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="that each mutant has to survive")
    parser.add_argument("--kind", choices=["planted", "rule", "generic"])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--check", action="store_true", help="only whether each planted bug has its place")
    options = parser.parse_args()
    if wrong := list(misplaced()):
        sys.exit("Tests/Mutants/planted.toml does not fit the sources:\n" + "\n".join(wrong))
    if options.check:
        return
    copy()
    mutants = Mutants()
    (TREE / "Sources/Model/Mutant.swift").write_text(SWITCH)
    mutants.plant()
    mutants.leave_out_rules()
    mutants.turn_conditions()
    build()
    if found := verdict((0, "none"), options.seeds)[1]:
        sys.exit(f"without any mutant: {found}")
    chosen = [mutant for mutant in mutants.all if options.kind in (None, mutant[1])]
    killed = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (number, kind, name, where), how in pool.map(
                lambda mutant: verdict(mutant, options.seeds), chosen):
            killed.setdefault(kind, []).append(bool(how))
            print(f"{'killed  ' if how else 'SURVIVED'} {kind:8} {name[:60]:60} {where[:70]:70} {how or ''}",
                  flush=True)
    for kind, verdicts in killed.items():
        print(f"{kind}: {sum(verdicts)} of {len(verdicts)} killed")


if __name__ == "__main__":
    main()
