"""The arithmetic of the results: medians over clean rounds, ratios, pairs, targets, tables."""

import statistics

NOISY_PERCENT = 5.0  # of one CPU, used by others during a round
BOUND = "echo"
OURS = "summond"


def clean(round_):
    return round_["foreign_percent"] < NOISY_PERCENT


def spread(values):
    return {"median": rounded(statistics.median(values)), "min": rounded(min(values)),
            "max": rounded(max(values))}


def rounded(value):
    return round(value, 4)


def summary(rounds, keys):
    """Of one server. Figures come from clean rounds; from all rounds where none is clean."""
    used = [r for r in rounds if clean(r)] or rounds
    result = {key: spread([r[key] for r in used]) for key in keys}
    result["rounds"] = len(rounds)
    result["clean_rounds"] = sum(map(clean, rounds))
    result["noisy"] = result["clean_rounds"] == 0
    for key in ("lost", "wrong"):
        if key in rounds[0]:
            result[key] = sum(r[key] for r in rounds)
    return result


def clean_pairs(ours, theirs, key):
    """The figures of those turns in which both had a clean round."""
    return [(a[key], b[key]) for a, b in zip(ours, theirs) if clean(a) and clean(b)]


def compare(rounds, keys, key="cpu_us"):
    """rounds: {server: [round, ...]}, interleaved. A ratio is the other's figure divided by ours,
    above 1 ours is ahead: the median over pairs of rounds, which slow changes of the machine do not
    move. pairs: in how many of them ours was ahead (smaller). `-` in a server's name marks one in
    other circumstances (the same server with a smaller zone, say), which is compared with nothing
    here."""
    servers = {name: summary(of_server, keys) for name, of_server in rounds.items()}
    for name, s in servers.items():
        if name.startswith(BOUND):
            s.pop("wrong", None)  # it answers all the same
    result = {"servers": servers, "ratios": {}, "pairs": {}}
    for name in rounds:
        if name == OURS or "-" in name:
            continue
        both = clean_pairs(rounds[OURS], rounds[name], key)
        result["ratios"][name] = ratio(rounds, OURS, name, key)
        result["pairs"][name] = {"clean": len(both), "ahead": sum(a < b for a, b in both)}
    return result


def ratio(rounds, ours, theirs, key="cpu_us"):
    """The median over clean pairs; over all of them where none is clean."""
    both = clean_pairs(rounds[ours], rounds[theirs], key) or [
        (a[key], b[key]) for a, b in zip(rounds[ours], rounds[theirs])]
    return rounded(statistics.median(b / a for a, b in both))


def target(what, value, limit, at_most=True, noisy=False):
    """A target of the project, and whether it has been met: None where nothing clean says so."""
    met = None if noisy or value is None else value <= limit if at_most else value >= limit
    return {"what": what, "value": value, "limit": limit, "at_most": at_most, "met": met}


def noisy(result, *names):
    """Whether any of these servers had no clean round."""
    return any(result["servers"][name]["noisy"] for name in names)


def always_ahead(result, *others):
    """Targets: ahead of each of the others in every clean pair."""
    return [target(f"clean pairs behind {name}", pair["clean"] - pair["ahead"]
                   if pair["clean"] else None, 0)
            for name, pair in result["pairs"].items() if name in others]


def table(heads, rows):
    """Markdown; the first column to the left, the others to the right."""
    cells = [heads, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(heads))]

    def line(row):
        return "| " + " | ".join(
            str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))) + " |"

    rule = "|" + "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([line(heads), rule, *map(line, rows)])


def rates_table(result):
    """Of a mode that measures queries a second."""
    rows = []
    for name, s in result["servers"].items():
        ratio = result["ratios"].get(name)
        pair = result["pairs"].get(name)
        rows.append([
            name, f"{s['cpu_us']['median']:.2f}",
            f"{s['cpu_us']['min']:.2f}-{s['cpu_us']['max']:.2f}", f"{s['qps']['median']:,.0f}",
            f"{s['p99_us']['median']:,.0f}", f"{s['server_percent']['median']:.0f}", s["lost"],
            s.get("wrong", "-"),
            f"{s['clean_rounds']}/{s['rounds']}" + (" NOISY" if s["noisy"] else ""),
            f"{ratio:.2f}" if ratio else "-",
            f"{pair['ahead']}/{pair['clean']}" if pair and name != BOUND else "-"])
    return table(["server", "CPU us/query", "range", "queries/s", "p99 us", "CPU %", "lost",
                  "wrong", "clean", "to ours", "ours ahead"], rows)


def target_line(t):
    value = "?" if t["value"] is None else f"{t['value']:.4g}"
    verdict = {True: "met", False: "MISSED", None: "unknown (noise)"}[t["met"]]
    return f"- {t['what']}: {value} ({'at most' if t['at_most'] else 'at least'} " \
           f"{t['limit']:g}): {verdict}"
