"""What a campaign says at its end, from the results of its lives."""

from collections import Counter


def total(results, key):
    """The sum of a Counter or number over all lives."""
    found = [r[key] for r in results if key in r]
    if found and isinstance(found[0], dict):
        return sum((Counter(f) for f in found), Counter())
    return sum(found)


def listed(counter):
    return ", ".join(f"{name} {number:,}" for name, number in counter.most_common()) or "none"


def summarise(results, seconds, seed, say):
    """Prints the summary; the number of violations."""
    kills = total(results, "kills") or Counter()
    violations = [(r["life"], v) for r in results for v in r["violations"]]
    by_oracle = Counter(v["oracle"] for _, v in violations)
    count = sum(kills.values())
    minutes = max(seconds, 1) / 60
    say(f"\nSummary (seed {seed})")
    say(f"  {len(results)} hosts, {sum((total(results, 'journeys') or Counter()).values()):,} journeys,"
        f" {total(results, 'launches'):,} launches seen, {minutes:.1f} minutes of work,"
        f" {count / minutes:.0f} kills a minute")
    say(f"  {count:,} kills: {listed(kills)}")
    say_points(results, say)
    say(f"  stood still with SIGSTOP: {listed(total(results, 'stops') or Counter())}")
    say(f"  journeys: {listed(total(results, 'journeys') or Counter())}")
    say(f"  {total(results, 'requests'):,} requests and {total(results, 'streams'):,} streams;"
        f" lost through the agent: {total(results, 'lost')}; without a record:"
        f" {total(results, 'missing')}")
    say(f"  lost because we did it: {listed(total(results, 'environment') or Counter())};"
        f" HAProxy was away for {max((r.get('outage', 0) for r in results), default=0):.2f} s at most"
        f" after we killed it; broken lines are excused for {total(results, 'excused_seconds'):.0f} s of"
        f" {total(results, 'seconds'):,.0f} s")
    say(f"  the observer: {total(results, 'readings'):,} readings of HAProxy,"
        f" {total(results, 'rises'):,} rises of a weight judged, the oldest probe before one was"
        f" {max((r.get('oldest_probe', 0) for r in results), default=0):.2f} s old")
    say(f"  orphans: {by_oracle['orphans']}, duplicate launches: {by_oracle['duplicates'] + by_oracle['S6']}")
    say(f"  violations: {listed(by_oracle)}")
    for life, violation in violations[:40]:
        text = " ".join(violation["text"].split())
        say(f"    life {life}, {violation['journey']}, {violation['oracle']}: {text[:300]}")
    return len(violations)


def say_points(results, say):
    points = total(results, "points") or Counter()
    random = points.pop("random", 0)
    named = sum(points.values())
    say(f"    {random:,} at random moments, {named:,} at {len(points)} named points:"
        f" {listed(points)}")
