"""The arithmetic of `scripts/bench xen`: medians and ranges, the issue's targets, tables."""

import statistics

PHASES = ["build_ms", "vif_ms", "unpause_ms", "total_ms", "ready_ms", "first_byte_ms", "answer_ms"]
HEADS = ["", "build", "vif", "unpause", "total", "then ready", "first byte", "DNS answer"]
COLD, STANDBY, RUNNING = "summond cold", "summond standby", "summond running"
XL, NO_VIF = "xl create", "libxl, no vif"


def spread(values):
    return {"median": round(statistics.median(values), 2), "min": min(values), "max": max(values)}


def summary(rounds):
    """Of one kind: each phase that was measured."""
    return {phase: spread([r[phase] for r in rounds if phase in r])
            for phase in PHASES if any(phase in r for r in rounds)}


def ratio(rounds, kind, other, phase="total_ms"):
    """The median of the ratios of each round: what slows a whole round down changes nothing."""
    pairs = [(a[phase], b[phase]) for a, b in zip(rounds[kind], rounds[other])]
    return round(statistics.median(a / b for a, b in pairs), 5)


def figures(measured):
    """{"xl_create_ms": ..., ...}: what was measured, by the names that the issue gives."""
    rounds = measured["rounds"]

    def median(kind, phase):
        values = [r[phase] for r in rounds.get(kind, []) if phase in r]
        return round(statistics.median(values), 2) if values else None

    result = {
        "xl_create_ms": median(XL, "total_ms"),
        "libxl_script_ms": median("libxl, stock script", "total_ms"),
        "libxl_novif_ms": median(NO_VIF, "total_ms"),
        "cold_wake_ms": median(COLD, "total_ms"),
        "standby_wake_ms": median(STANDBY, "total_ms"),
        "first_byte_xl_ms": median(XL, "first_byte_ms"),
        "first_byte_cold_ms": median(COLD, "first_byte_ms"),
        "first_byte_standby_ms": median(STANDBY, "first_byte_ms"),
        "first_byte_running_ms": median(RUNNING, "first_byte_ms"),
        "answer_cold_ms": median(COLD, "answer_ms"),
        "answer_standby_ms": median(STANDBY, "answer_ms"),
        "answer_running_ms": median(RUNNING, "answer_ms"),
    }
    parallel = measured.get("parallel")
    count = measured["options"]["parallel"]
    for key, who in ((f"parallel{count}_s", "summond"), (f"xl_parallel{count}_s", "xl")):
        values = [r["seconds"] for r in (parallel or {}).get(who, []) if "seconds" in r]
        result[key] = round(statistics.median(values), 2) if values else None
    return result


def target(what, value, limit, at_most=True):
    met = None if value is None else value <= limit if at_most else value >= limit
    return {"what": what, "value": value, "limit": limit, "at_most": at_most, "met": met}


def targets(measured, values):
    rounds = measured["rounds"]
    found = [target("cold wake / xl create", ratio(rounds, COLD, XL), 1 / 6),
             target("cold wake / libxl without vif", ratio(rounds, COLD, NO_VIF), 2)]
    if rounds.get(STANDBY):
        found += [
            target("standby wake / xl create", ratio(rounds, STANDBY, XL), 1 / 1000),
            target("standby: answer behind that of a running service, ms",
                   round(values["answer_standby_ms"] - values["answer_running_ms"], 2), 5),
            target("standby: first byte / first byte of a running service",
                   ratio(rounds, STANDBY, RUNNING, "first_byte_ms"), 1.5)]
    if "parallel" in measured:
        found.append(parallel_target(measured))
    return found


def creates_a_second(rounds):
    """Of those that came up."""
    return statistics.median(r["up"] / r.get("seconds", r.get("created_s")) for r in rounds)


def parallel_target(measured):
    """Where the loop brings nothing up, there is no ratio."""
    ours, theirs = (creates_a_second(measured["parallel"][who]) for who in ("summond", "xl"))
    what = f"{measured['options']['parallel']} at once: creates a second / those of an xl loop"
    if theirs:
        return target(what, round(ours / theirs, 2), 5, at_most=False)
    return {**target(what + ", which brings none up", None, 5, at_most=False), "met": ours > 0}


def target_line(t):
    value = "-" if t["value"] is None else f"{t['value']:.4g}"
    verdict = {True: "met", False: "MISSED", None: "unknown"}[t["met"]]
    return f"- {t['what']}: {value} ({'at most' if t['at_most'] else 'at least'} " \
           f"{t['limit']:.4g}): {verdict}"


def table(measured):
    """Markdown; milliseconds, median and range."""
    def cell(spread_):
        if spread_ is None:
            return "-"
        digits = 1 if spread_["median"] < 100 else 0
        return (f"{spread_['median']:.{digits}f} "
                f"({spread_['min']:.{digits}f}-{spread_['max']:.{digits}f})")

    lines = ["| " + " | ".join(HEADS) + " |", "|---|" + "--:|" * len(PHASES)]
    for kind, rounds in measured["rounds"].items():
        of_kind = summary(rounds)
        lines.append("| " + " | ".join([kind, *(cell(of_kind.get(p)) for p in PHASES)]) + " |")
    return "\n".join(lines)


def parallel_table(measured):
    keys = ("up", "seconds", "built_s", "created_s")
    lines = ["| | up | all ready, s | all built, s | all commands ended, s |", "|---|--:|--:|--:|--:|"]
    for who, rounds in measured["parallel"].items():
        cells = [", ".join(str(r.get(key, "-")) for r in rounds) for key in keys]
        lines.append("| " + " | ".join([who, *cells]) + " |")
    return "\n".join(lines)
