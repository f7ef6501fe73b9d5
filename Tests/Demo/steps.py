"""The six steps of the demo. Each claims only what the load's record, the processes or the
agent's own answers prove."""

import os
import time

from agent import is_synced, serving, stack
from record import Load

WEB = "web@production"
GOOD, BETTER, BAD = "1.0.0", "1.1.0", "1.2.0"


def first_deploy(demo):
    report = demo.report
    report.step("The first deployment")
    demo.repository.commit("Everything as in examples-repo")
    demo.load = Load(demo.port, demo.directory / "load.jsonl", demo.rate)
    begun = time.monotonic()
    report.do("viridian run --config viridian.yaml")
    demo.agent.start()
    status = demo.agent.poll(lambda s: is_synced(s, GOOD) and s, 90)
    if not report.claim(status, f"{WEB} is synced and stable at {GOOD}", "within 90 s"):
        return
    answers = demo.load.wait_for(lambda r: r.of_version(GOOD), 5)
    if report.claim(answers, f"{GOOD} answers on the public port"):
        report.measure("agent started → first answer", answers[0]["done"] - begun)
    demo.first = serving(status)
    report.claim(demo.first["healthy"] == demo.first["declared"] == 2,
                 f"{demo.first['name']} has both declared instances healthy")
    mailer = demo.agent.poll(lambda s: s["sync"] == "Synced" and s, 30, "mailer@production")
    report.claim(mailer and any(s["running"] == 1 for s in mailer["stacks"]),
                 "mailer@production, a worker without a route, runs")
    settle(demo)


def bump(demo):
    report = demo.report
    report.step("A version bump, committed and pushed")
    report.do(f"sed -i 's/version: {GOOD}/version: {BETTER}/' environments/production/web.yaml")
    report.do("git commit -a && git push")
    demo.bumped = demo.repository.bump(BETTER)
    mark = demo.repository.pushed_at
    report.do(f"viridian wait {WEB} --version {BETTER} --timeout 60s")
    code, errors = demo.agent.wait(WEB, BETTER, 60)
    report.claim(code == 0, f"wait ends with 0: {BETTER} is synced and stable", errors)
    switch(demo, demo.bumped, mark, old=GOOD, new=BETTER)
    status = demo.agent.status(WEB)
    warm = stack(status, name=demo.first["name"], role="warm")
    report.claim(warm and warm["healthy"] == warm["declared"] and warm["weightPercent"] == 0,
                 f"{demo.first['name']} stays warm: all instances healthy, no traffic")
    settle(demo, mark)


def drift(demo):
    report = demo.report
    report.step("Somebody changes production by hand")
    status = demo.agent.status(WEB)
    before = serving(status)
    file = demo.agent.stack_directory(before["name"]) / "settings.json"
    edited = '{ "version": "1.1.0", "audience": "whoever edits production by hand" }\n'
    report.do(f"echo '{edited.strip()}' > …/{before['name']}/release/settings.json")
    mark = time.monotonic()
    if not os.access(file, os.W_OK):
        file.chmod(0o644)
    file.write_text(edited)

    def named(status):
        return next((f for f in status["findings"] if "settings.json" in f["path"]), None)

    finding = demo.agent.poll(named, 60)
    if not report.claim(finding, "the change is detected and named"):
        return
    report.measure("changed → reported", time.monotonic() - mark)
    report.do("viridian drift")
    code, output, errors = demo.agent.call("drift", timeout=30)
    report.note(output or errors)
    report.claim(code == 1, "drift ends with 1: something differs", f"exit status {code}")
    for key in ("word", "resource", "path", "expected", "actual", "actor"):
        if finding.get(key):
            report.note(f"{key}: {finding[key]}")
    report.claim(finding["word"] == "MODIFIED" and before["name"] in finding["resource"],
                 "the finding says MODIFIED and names the stack")
    report.claim(finding.get("expected") and finding.get("actual")
                 and finding["expected"] != finding["actual"], "it says expected and actual")

    def replaced(status):
        live = serving(status)
        clean = is_synced(status, BETTER) and live["generation"] > before["generation"]
        return status if clean else None

    status = demo.agent.poll(replaced, 90)
    if not report.claim(status, f"a clean stack of the same version {BETTER} took its place"):
        return
    after = serving(status)
    report.measure("changed → replaced and stable", time.monotonic() - mark)
    report.note(f"{before['name']} → {after['name']}")
    # It is told as long as the old stack is there, which goes once its successor is stable.
    report.claim(demo.agent.poll(lambda s: not named(s), 30), "the finding is gone")
    clean = demo.agent.stack_directory(after["name"]) / "settings.json"
    report.claim(clean.read_text() != edited, "the new stack has the file as it was committed")
    if file.exists():
        report.claim(file.read_text() == edited, "the old stack was replaced, not patched")
    demo.clean_stack = after
    settle(demo, mark)


def bad_version(demo):
    report = demo.report
    report.step(f"A bad version: {BAD} starts, but its health check answers 500")
    report.do(f"sed -i 's/version: {BETTER}/version: {BAD}/' environments/production/web.yaml")
    report.do("git commit -a && git push")
    demo.bad = demo.repository.bump(BAD)
    mark = demo.repository.pushed_at

    def quarantined(status):
        found = stack(status, version=BAD, role="quarantined")
        return (status, found) if found else None

    found = demo.agent.poll(quarantined, 90)
    if not report.claim(found, f"{BAD} failed its gate and is quarantined"):
        return
    status, failed = found
    report.measure("push → quarantined", time.monotonic() - mark)
    for condition in status["conditions"]:
        if condition["type"] != "Reconciling" and condition["message"]:
            report.note(f"{condition['type']}={condition['status']} {condition['message']}")
    report.claim(failed["weightPercent"] == 0, f"{failed['name']} has no share of the traffic")
    report.do(f"viridian wait {WEB} --version {BAD} --timeout 5s")
    code, _ = demo.agent.wait(WEB, BAD, 5)
    report.claim(code == 3, "wait ends with 3: the rollout failed", f"exit status {code}")
    demo.load.settle()
    requests = demo.load.served()
    report.claim(not requests.versions()[BAD], f"not one answer came from {BAD}",
                 f"{requests.versions()[BAD]} of {len(requests):,}")
    live = serving(demo.agent.status(WEB))
    report.claim(live and live["name"] == demo.clean_stack["name"],
                 f"{demo.clean_stack['name']} kept all the traffic")
    settle(demo, mark)


def revert(demo):
    report = demo.report
    report.step("git revert, twice: the bad commit, then the version before")
    report.do("git revert <the bad commit> && git push")
    mark = time.monotonic()
    demo.repository.revert(demo.bad)
    demo.agent.poll(lambda s: s["desiredVersion"] == BETTER, 15)
    code, errors = demo.agent.wait(WEB, BETTER, 30)
    report.claim(code == 0, f"{BETTER} is declared again and synced", errors)
    status = demo.agent.status(WEB)
    live = serving(status)
    report.claim(live and live["name"] == demo.clean_stack["name"],
                 "nothing was launched or moved for that: it had the traffic all along")
    report.claim(status["rollback"].startswith("switch"), "a rollback would be a mere switch now",
                 f"rollback: {status['rollback']}")
    newest = newest_generation(status)
    processes = demo.load.read().processes(GOOD)

    report.do("git revert <the bump> && git push")
    commit = demo.repository.revert(demo.bumped)
    pushed = demo.repository.pushed_at
    seconds = switch(demo, commit, pushed, old=BETTER, new=GOOD)
    report.claim(seconds is not None and seconds < 1,
                 "the old version had the traffic back within a second of the commit being seen")
    code, errors = demo.agent.wait(WEB, GOOD, 60)
    report.claim(code == 0, f"{GOOD} is synced and stable", errors)
    status = demo.agent.status(WEB)
    live = serving(status)
    report.claim(live and live["name"] == demo.first["name"],
                 f"it is {demo.first['name']} itself, the warm stack")
    report.claim(newest_generation(status) == newest, "no generation was launched for it",
                 f"newest is still {newest}")
    again = demo.load.read().since(pushed).processes(GOOD)
    report.claim(again and again <= processes, "the very same processes answer as in step 1",
                 f"pids {', '.join(map(str, sorted(again)))}")
    settle(demo, mark)


def crash(demo):
    report = demo.report
    report.step("The agent is killed with SIGKILL, and started again")
    before = serving(demo.agent.status(WEB))
    newest = newest_generation(demo.agent.status(WEB))
    processes = demo.load.read().processes(GOOD)
    report.do(f"kill -9 {demo.agent.process.pid}")
    mark = time.monotonic()
    demo.agent.kill()
    last = demo.agent.history()[-1]["sequence"]
    # Long enough that anything that needs the agent to serve would have shown it.
    served = demo.load.wait_for(lambda r: len(r.since(mark)) >= 4 * demo.rate, 10)
    without = demo.load.read().since(mark)
    report.claim(served and not without.failed(), "traffic is served without an agent",
                 f"{len(without):,} requests, {len(without.failed())} failed")
    report.do("viridian run --config viridian.yaml")
    begun = time.monotonic()
    demo.agent.start()

    def awake(status):
        return demo.agent.history()[-1]["sequence"] > last and is_synced(status, GOOD) and status

    status = demo.agent.poll(awake, 30)
    if not report.claim(status, "the new agent is at work and finds everything synced"):
        return
    report.measure("started → at work", time.monotonic() - begun)
    after = serving(status)
    report.claim(after["name"] == before["name"] and newest_generation(status) == newest,
                 f"{after['name']} was adopted, nothing was launched")
    demo.load.settle()
    again = demo.load.read().since(begun).processes(GOOD)
    report.claim(again and again <= processes, "the same processes answer",
                 f"pids {', '.join(map(str, sorted(again)))}")
    report.do(f"sed -i 's/version: {GOOD}/version: {BETTER}/' environments/production/web.yaml")
    demo.repository.bump(BETTER)
    code, errors = demo.agent.wait(WEB, BETTER, 60)
    report.claim(code == 0, f"the new agent acts: {BETTER} serves again", errors)
    settle(demo, mark)


def switch(demo, commit, pushed, old, new):
    """Measures how the traffic moved; the seconds from the agent seeing the commit to the first
    answer of the new version, or None."""
    report = demo.report
    pushed_wall = demo.repository.pushed_wall
    answers = demo.load.wait_for(lambda r: r.since(pushed).of_version(new), 60)
    if not report.claim(answers, f"{new} answers on the public port"):
        return None
    first = answers[0]
    seen = demo.agent.seen_at(commit)
    report.claim(seen, "the history names the commit", commit[:12])
    report.measure("push → first answer", first["wall"] - pushed_wall)
    if seen:
        report.measure("push → commit seen", seen - pushed_wall)
        report.measure("commit seen → first answer", first["wall"] - seen)
    demo.load.settle()
    late = [r["due"] for r in demo.load.read().since(first["done"]).of_version(old)]
    overlap = max(late, default=first["done"]) - first["done"]
    report.measure(f"first answer of {new} → last request that {old} got", overlap)
    report.claim(overlap < 1, f"then all requests go to {new}")
    return first["wall"] - seen if seen else None


def newest_generation(status):
    return max(s["generation"] for s in status["stacks"])


def settle(demo, since=None):
    """Waits for the requests of this step, says how they fared, and that none failed."""
    demo.load.settle()
    requests = demo.load.served()
    if since is not None:
        requests = requests.since(since)
    demo.report.load(requests)
    demo.report.claim(demo.load.is_running() and not requests.failed(), "no request failed")


ALL = [first_deploy, bump, drift, bad_version, revert, crash]
