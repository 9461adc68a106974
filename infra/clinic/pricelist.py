"""`make costs`: the tables of docs/costs.md, worked out anew from the price list and the use that was measured."""

import re
import sys
from collections.abc import Iterator

from infra.clinic.cost import PRICES, USAGE, Estimate, estimate, told
from infra.kit import ROOT, TEMPLATES, Kit, read

PAGE = ROOT / "docs" / "costs.md"
SHOWN = "general"  # the kit whose estimate is shown line by line
PART = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with its tables as they must be today."""
    return PART.sub(lambda found: f"{found[1]}{_tables()[found[2]]}{found[3]}", text)


def _tables() -> dict[str, str]:
    kits = [read(folder.parent) for folder in sorted(TEMPLATES.glob("*/clinic.toml"))]
    (shown,) = (kit for kit in kits if kit.name == SHOWN)
    return {
        "kits": "\n".join(_kits(kits)) + "\n",
        "one": f"```\n{told(shown, estimate(shown))}\n```\n",
        "prices": "\n".join(_prices()) + "\n",
        "use": "\n".join(_use()) + "\n",
    }


def _kits(kits: list[Kit]) -> Iterator[str]:
    yield "| kit | people an hour | consultations a month | if nobody comes | together | for 1,000 consultations |"
    yield "|---|---|---|---|---|---|"
    for kit in kits:
        found = estimate(kit)
        yield (
            f"| `{kit.name}` | {kit.said['patients_per_hour']:,} | {found.consultations:,} | {_idle(found):,.2f} "
            f"| {found.monthly:,.2f} | {found.per_thousand:.2f} |"
        )


def _idle(found: Estimate) -> float:
    return sum(line.dollars for line in found.fixed)


def _prices() -> Iterator[str]:
    yield f"USD in {PRICES['region']}, {PRICES['as_of']}:"
    yield ""
    yield "| service | what | USD |"
    yield "|---|---|---|"
    for service, prices in PRICES.items():
        for what, price in prices.items() if isinstance(prices, dict) else ():
            yield f"| {service} | {what.replace('_', ' ')} | {price:.10f}".rstrip("0").rstrip(".") + " |"


def _use() -> Iterator[str]:
    yield f"One consultation, measured {USAGE['as_of']}:"
    yield ""
    yield "| what | how much |"
    yield "|---|---|"
    for what, much in USAGE.items():
        if isinstance(much, int | float):
            yield f"| {what.replace('_', ' ')} | {much:,} |"


def main() -> int:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is of {PRICES['as_of']}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
