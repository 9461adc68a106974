"""`make kit KIT=name`: makes this checkout another hospital's, or says everything that is wrong with its kit."""

import sys

from infra.kit import ROOT, KitRefused, folder_of, names, read, render


def main() -> int:
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in names():
        print(f"make kit KIT=<one of {', '.join(names())}>", file=sys.stderr)
        return 2
    try:
        kit = read(folder_of(name))
    except KitRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    render(kit, ROOT)
    print(f"This checkout is now {next(iter(kit.said['name'].values()))}; `make kit KIT=general` makes it ours again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
