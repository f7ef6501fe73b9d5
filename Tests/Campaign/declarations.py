"""What a campaign's host declares: `web`, which has the load, and `side`, which comes and goes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Demo"))

from repository import ENVIRONMENT, Repository, git  # noqa: E402

SHOP = Path(__file__).resolve().parents[1] / "Load" / "shop" / "web"
GATES = {"web-production": [2, 2], "side-production": [1, 2]}  # instances, healthyAfter
GOOD = ("1.0.0", "1.1.0")
BAD = {"1.2.0": {"health": 500}, "1.4.0": {"crashes": True}}
SLOW = "1.3.0"
DRAIN = 12  # seconds; longer than every answer that the load asks for
STREAM = 2  # seconds; those of half a minute are the business of make load

APPLICATION = """\
apiVersion: viridian.dev/v1alpha1
kind: Application
metadata: {{ name: {name} }}
spec:
  workload:
    process:
      artifact: artifacts/web-${{version}}
      command: [./web, --port, "${{port}}"]
      environment: {{ GREETING: hello, JOURNAL: "{journal}", TOKEN: "${{secret:file:token}}" }}
  instances: {instances}
  traffic: {{ mode: http, drain: {{ deadline: {drain}s, then: close }} }}
  health: {{ http: {{ path: /healthz, expect: 200 }}, interval: 200ms, healthyAfter: {after}, deadline: 10s }}
  rollout: {{ strategy: blueGreen, bake: 1s, retain: {{ stacks: 1, for: {kept}, quarantined: 24h }} }}
  drift: {{ action: replace, debounce: 1s }}
"""
TARGET = """\
apiVersion: viridian.dev/v1alpha1
kind: Target
metadata: {{ name: {name} }}
spec: {{ application: {name}, environment: production, version: {version}, route: {{ listen: "127.0.0.1:{port}" }} }}
"""
ENVIRONMENTS = """\
apiVersion: viridian.dev/v1alpha1
kind: Environment
metadata: { name: production }
spec: { platform: local }
"""


class Declarations(Repository):
    def __init__(self, directory, ports):
        self.journal = Path(directory) / "journal.jsonl"
        self.ports = ports  # target's name → port
        examples = Path(directory) / "examples"
        self.write(examples)
        super().__init__(directory, examples)
        shutil.rmtree(examples)
        git(self.remote, "config", "http.receivepack", "false")

    def write(self, root):
        for version in (*GOOD, *BAD, SLOW):
            artifact = root / "artifacts" / f"web-{version}"
            artifact.mkdir(parents=True)
            shutil.copy(SHOP, artifact / "web")
            more = BAD.get(version, {})
            if version == SLOW:
                more = {"healthyAfterSeconds": 2}
            (artifact / "settings.json").write_text(json.dumps({"version": version, **more}) + "\n")
        place = root / "environments" / "production"
        place.mkdir(parents=True)
        (place / "environment.yaml").write_text(ENVIRONMENTS)
        for name, gate in (("web", GATES["web-production"]), ("side", GATES["side-production"])):
            application = root / "applications" / name
            application.mkdir(parents=True)
            (application / "application.yaml").write_text(APPLICATION.format(
                name=name, journal=self.journal, instances=gate[0], after=gate[1], drain=DRAIN,
                kept="24h" if name == "web" else "1s"))
            (place / f"{name}.yaml").write_text(self.target(name))

    def target(self, name, version=GOOD[0]):
        return TARGET.format(name=name, version=version, port=self.ports[name])

    def declare(self, greeting, version):
        """Another digest of web; pushed."""
        self.edit(self.file("production"), (r"version: [\w.]+,", f"version: {version},"))
        self.edit("applications/web/application.yaml",
                  (r"GREETING: [\w-]+", f"GREETING: {greeting}"))
        return self.commit(f"web {version} says {greeting}")

    def set_side(self, is_there):
        file = self.file("production", "side")
        file.write_text(self.target("side")) if is_there else file.unlink()
        return self.commit(f"side {'comes' if is_there else 'goes'}")

    def rewrite(self):
        """A force-push of a history that is not ours: what a source must hold."""
        orphan = subprocess.run(["git", "commit-tree", "-m", "another history", "HEAD^{tree}"],
                                cwd=self.clone, env=ENVIRONMENT, capture_output=True, text=True,
                                timeout=20).stdout.strip()
        git(self.clone, "push", "--quiet", "--force", "origin", f"{orphan}:refs/heads/main")

    def restore(self):
        git(self.clone, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
