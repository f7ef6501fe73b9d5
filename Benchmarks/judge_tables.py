"""The tables of `make judge`."""


def text(study):
    runs, policy = study["runs"], study["policy"]
    return "\n\n".join([
        f"{runs:,} canaries of each kind, looked at once a minute for {study['minutes']} minutes."
        f" The baseline has {percent(study['errorShare'])} errors; α is {policy['alpha']:g}, the"
        f" tolerated ratio {policy['errors']['ratio']:g}, the margin"
        f" {policy['errors']['margin'] * 100:g} point. Requests a minute are those of one arm.",
        "### Failed that are no worse\n" + false_failures(study),
        "### Failed that are worse: judge, model\n" + power(study),
        "### Minutes until half, and until 95 of 100, have failed\n" + times(study),
        "### Passed before they failed, if they ever did\n" + passes(study),
    ])


def false_failures(study):
    rows = []
    for rate in rates(study):
        equal, both = cell(study, rate, 1), cell(study, rate, 1, "errorsAndSlow")
        edge = cell(study, rate, study["policy"]["errors"]["ratio"])
        rows.append([f"{rate:,g}", *(failed(study, found) for found in (equal, both)),
                     f"{failed(study, edge)}, {percent(edge['model'][-1], 2)}",
                     percent((equal["routing"] + both["routing"]) / 2 / study["runs"], 2)])
    return table(["requests a minute", "equal", "equal, latency judged, too"
                  f" ({percent(study['slowShare'])} slow)", "as bad as is tolerated: judge, model",
                  "routing ever doubted"], rows)


def power(study):
    worst = max((found for found in study["cells"] if found["model"]),
                key=lambda found: distance(found, study["runs"]))
    minute = max((distance_by_minute(found, study["runs"]), found["requestsPerMinute"],
                  found["ratio"]) for found in study["cells"] if found["model"])
    found = grid(study, lambda found: f"{percent(found['failed'][-1] / study['runs'], 1)},"
                 f" {percent(found['model'][-1], 1)}")
    return (f"{found}\n\nGreatest difference after {study['minutes']} minutes:"
            f" {distance(worst, study['runs']) * 100:.2f} points; at any minute:"
            f" {minute[0] * 100:.2f} points ({minute[1]:,g} requests a minute,"
            f" {minute[2]:g} times).")


def times(study):
    def both(found):
        return ", ".join(first(found["failed"], share * study["runs"]) for share in (0.5, 0.95))
    return grid(study, both)


def passes(study):
    return grid(study, lambda found: percent(found["passed"][-1] / study["runs"], 1), [1])


def grid(study, show, more=()):
    limit = study["policy"]["errors"]["ratio"]
    ratios = sorted({*more, *(found["ratio"] for found in study["cells"]
                              if found["ratio"] not in (1, limit))})
    rows = [[f"{rate:,g}", *(show(cell(study, rate, ratio)) for ratio in ratios)]
            for rate in rates(study)]
    return table(["requests a minute", *("equal" if ratio == 1 else f"{ratio:g} times" for ratio in ratios)], rows)


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "--:|" * len(head)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def rates(study):
    return sorted({found["requestsPerMinute"] for found in study["cells"]})


def cell(study, rate, ratio, judged="errors"):
    return next(found for found in study["cells"]
                if (found["requestsPerMinute"], found["ratio"], found["judged"])
                == (rate, ratio, judged))


def failed(study, found):
    return percent(found["failed"][-1] / study["runs"], 2)


def first(counts, wanted):
    return next((str(minute) for minute, count in enumerate(counts, 1) if count >= wanted), "–")


def distance(found, runs):
    return abs(found["failed"][-1] / runs - found["model"][-1])


def distance_by_minute(found, runs):
    return max(abs(count / runs - share) for count, share in zip(found["failed"], found["model"]))


def percent(share, digits=None):
    return f"{share * 100:g} %" if digits is None else f"{share * 100:.{digits}f} %"
