"""A bare remote made from examples-repo, and a working clone of it."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

# The user's own Git configuration (signing, hooks, templates) must not change what is shown.
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Demo", "GIT_AUTHOR_EMAIL": "demo@example.org",
    "GIT_COMMITTER_NAME": "Demo", "GIT_COMMITTER_EMAIL": "demo@example.org",
    "GIT_TERMINAL_PROMPT": "0",
}


def git(directory, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=ENVIRONMENT, capture_output=True, text=True,
        timeout=60,
    )
    if done.returncode != 0:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Repository:
    """`commit` answers are full ids; `pushed_at` is the monotonic time after the last push."""

    def __init__(self, directory, examples):
        self.remote = Path(directory) / "remote.git"
        self.clone = Path(directory) / "clone"
        self.pushed_at = 0.0
        git(directory, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        ignore = shutil.ignore_patterns("__pycache__", "*.swp")
        shutil.copytree(examples, self.clone, ignore=ignore)
        git(self.clone, "init", "--quiet", "--initial-branch=main")
        git(self.clone, "remote", "add", "origin", str(self.remote))

    def file(self, environment, application="web"):
        return self.clone / "environments" / environment / f"{application}.yaml"

    def edit(self, path, *replacements):
        """Replaces each (pattern, text) in a file; each must be found exactly once."""
        file = self.clone / path
        text = file.read_text()
        for pattern, wanted in replacements:
            text, count = re.subn(pattern, wanted, text)
            if count != 1:
                raise RuntimeError(f"{file} has changed: /{pattern}/ is found {count} times")
        file.write_text(text)

    def remove(self, *paths):
        """Removes files and directories; what is missing is an error."""
        for path in paths:
            place = self.clone / path
            shutil.rmtree(place) if place.is_dir() else place.unlink()

    def listen_port(self, environment):
        return int(re.search(r'listen: "127\.0\.0\.1:(\d+)"', self.file(environment).read_text())[1])

    def set_listen_port(self, environment, port):
        file = self.file(environment)
        text = re.sub(r'(listen: "127\.0\.0\.1:)\d+"', rf'\g<1>{port}"', file.read_text())
        file.write_text(text)

    def set_version(self, version, environment="production"):
        """The one line people change."""
        self.edit(self.file(environment), (r"(?m)^(  version: )\S+", rf"\g<1>{version}"))

    def bump(self, version, environment="production"):
        """Writes the one line, commits and pushes."""
        self.set_version(version, environment)
        return self.commit(f"web {version} to {environment}")

    def commit(self, message):
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--message", message)
        return self.push()

    def revert(self, *commits):
        """Reverts commits, newest first, and pushes them together."""
        git(self.clone, "revert", "--no-edit", *commits)
        return self.push()

    def push(self):
        git(self.clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        self.pushed_at = time.monotonic()
        self.pushed_wall = time.time()
        return git(self.clone, "rev-parse", "HEAD")
