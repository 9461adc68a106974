"""The figures of a replay as a table for people."""

from typing import Any


def told(found: dict[str, Any]) -> str:
    """All of it on one screen."""
    lines = [
        "",
        f"== {found['title']}",
        f"   one person in {found['played_one_in']:,} played, seed {found['seed']}, {found['hours']} h, "
        f"{found['lanes']} lane(s)",
        f"   raised before: {_said(found['raised'])}",
    ]
    people = found["people"]
    counts = ("came", "with_ticket", "seen", "left", "still_waiting", "doctors", "taken_away")
    lines.append("   " + ", ".join(f"{people[name]:,} {name.replace('_', ' ')}" for name in counts))
    lines.append(f"   lost {people['lost']}, doubled {people['doubled']}")
    lines += _table("wait in minutes", found["waits_minutes"])
    tickets = {"ticket in seconds": found["tickets_seconds"]}
    lines += _table("", tickets)
    order = found["order"]
    lines += _table("out of order, seconds", {name: row for name, row in order.items() if isinstance(row, dict)})
    lines.append(f"   out of order, p99 by ticket to the median wait: {order['ticket_p99_of_median_wait']}")
    passed = (f"{b} {p['longest']} of {p['bound']}" for b, p in found["passed_over"].items())
    lines.append(f"   longest run of calls past a waiting band, and one call in: {', '.join(passed)}")
    lines.append(f"   actual / promised wait: {_said(found['promises'])}")
    lines.append(f"   polls of the board: {_said(found['edge'])}")
    for name, one in found["limits"].items():
        value = f"{one:,}" if not isinstance(one, dict) else _said(one)
        if isinstance(one, dict) and "limit" in one:
            value = f"{one['peak']:,} of {one['limit']:,}"
        lines.append(f"   {name.replace('_', ' '):34} {value}")
    lines.append(f"   told to come back, part of the tries: {_percent(found['come_back']['tries'])}")
    rest = {name: one for name, one in found["come_back"].items() if name != "tries"}
    lines.append(f"   told to come back: {_said(rest)}")
    lines.append(f"   sweep in the busiest lane: {_said(found['sweep'])}")
    lines.append(f"   dollars for 1,000 consultations: {_said(found['dollars_per_1000'])}")
    return "\n".join([*lines, f"   {found['cpu_seconds']} s of one processor"])


def told_seeds(found: dict[str, Any]) -> str:
    """How the promises of some seeds of one day were kept."""
    lines = [f"\n== {found['replay']}, one in {found['played_one_in']:,}, seeds {', '.join(map(str, found['seeds']))}"]
    lines.append(f"   lost {found['lost']}, doubled {found['doubled']}; actual / promised wait:")
    for who, ratios in found["promises"].items():
        lines.append(f"   {who.replace('_', ' '):20} {_said(ratios)}")
    return "\n".join(lines)


def _percent(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items()) or "nobody"


def _table(title: str, rows: dict[str, dict[str, float]]) -> list[str]:
    lines = [f"   {title}"] if title else []
    for name, row in rows.items():
        lines.append(f"   {name.replace('_', ' '):20} " + "  ".join(f"{k} {v:>9,}" for k, v in row.items()))
    return lines


def _said(values: dict[str, Any]) -> str:
    words = []
    for name, value in values.items():
        if isinstance(value, dict):
            words.append(f"{name.replace('_', ' ')} ({_said(value)})" if value else f"{name.replace('_', ' ')} none")
        else:
            words.append(
                f"{name.replace('_', ' ')} {value if isinstance(value, str) or value is None else f'{value:,}'}"
            )
    return ", ".join(words)
