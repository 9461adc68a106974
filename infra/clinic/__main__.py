"""`./clinic`: what a hospital's IT person types, from a new kit to an open clinic and back."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any

import click

from chalicelib.rooms.packs import DEFAULT, DEMO, PACKS
from chalicelib.rooms.staff import ROLES
from infra.clinic import closing, drilling, keeping, opening, people, rehearsing
from infra.clinic import cost as costs
from infra.clinic import new as kits
from infra.clinic import stack as stacks
from infra.clinic.account import Account, local
from infra.clinic.opening import Order
from infra.clinic.people import Newcomer
from infra.clinic.trouble import Trouble, unanswered
from infra.kit import CLINICS, FILE, REGION, TEMPLATES, Kit, KitRefused, folder_of, names, read, shown
from infra.kit.stage import staged, surroundings, weights
from infra.local import aws

PROG = "./clinic"
INTERRUPTED = 130
PORT_MAX = 65535
DAY = click.DateTime(["%Y-%m-%d"])
STACK = re.compile(r"[a-z][a-z0-9-]{1,39}")  # it is in the names of buckets, functions and roles
POLICIES = f"{', '.join(one for one in PACKS if one != DEMO)}; {DEMO} is for showing it: nobody proves who they are"
KINDS = sorted(folder.parent.name for folder in TEMPLATES.glob("*/clinic.toml"))


class Program(click.Group):
    """Says what to do next instead of a trace, whichever command it was."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._answered(ctx)
        except KitRefused as refused:
            click.echo(f"The kit cannot be used. To change:\n{refused}", err=True)
        except Trouble as trouble:
            click.echo(f"{trouble.what}\n{trouble.then}", err=True)
        except KeyboardInterrupt:
            click.echo("\nStopped. What AWS has begun it finishes; look with ./clinic status.", err=True)
            ctx.exit(INTERRUPTED)
        return ctx.exit(1)

    def _answered(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.Abort:
            if sys.stdin.isatty() or not ctx.invoked_subcommand:
                raise
            click.echo(err=True)  # the question's own line
            raise unanswered(self.commands[ctx.invoked_subcommand]) from None


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def program() -> None:
    """Open your hospital's own cloud clinic.

    \b
    First on this machine, without an AWS account:
      ./clinic new riverside        your kit, from one of ours
      ./clinic check riverside      everything that is wrong with it, line by line
      ./clinic preview riverside    your clinic on http://localhost:8000
      ./clinic cost riverside       what a month of it would cost
    \b
    Then in your AWS account (docs/deploy.md):
      ./clinic deploy riverside     opens it, or brings it up to date
      ./clinic staff add riverside  who works there
      ./clinic status riverside     whether it is well
    """


@program.command("help", hidden=True)
@click.pass_context
def help_(context: click.Context) -> None:
    """What there is to type: the same as --help."""
    click.echo(context.find_root().get_help())


def kit_of(name: str) -> Kit:
    own = CLINICS / name
    if kits.NAME.fullmatch(name) and own.is_dir() and not (own / FILE).exists():
        raise Trouble(
            f"{FILE} is missing in {shown(own)}/.",
            f"Put it back there (from git, if it was committed), or move the folder away and begin: {PROG} new {name}",
        )
    if name not in names():
        raise Trouble(f"There is no kit {name!r}, only {', '.join(names())}.", f"Make yours: {PROG} new {name}")
    return read(folder_of(name))


def _in_the_cloud(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command that talks to AWS takes: the kit's name, and where its clinic is."""

    @click.argument("name")
    @click.option("--stack", help="The CloudFormation stack; clinic-NAME unless you say.")
    @click.option("--region", help="The kit's unless you say.")
    @click.option("--endpoint", help="A local AWS for trying, like http://127.0.0.1:4566.")
    @wraps(command)
    def with_account(name: str, stack: str | None, region: str | None, endpoint: str | None, **rest: Any) -> Any:
        kit = kit_of(name)
        stack = stack or f"clinic-{name}"
        if not STACK.fullmatch(stack):
            raise Trouble(
                f"{stack!r} cannot be the name of a stack. Nothing was changed.",
                "It begins with a letter; small letters, digits and dashes, 2 to 40, like clinic-riverside.",
            )
        if region and not REGION.fullmatch(region):
            raise Trouble(f"{region!r} is not a region of AWS. Nothing was changed.", "Write it like ap-southeast-1.")
        endpoint = local(endpoint) if endpoint is not None else None
        account = Account(region or (aws.REGION if endpoint else kit.said["region"]), endpoint)
        return command(kit=kit, account=account, stack=stack, **rest)

    return with_account


def again(words: str, name: str, *, without: tuple[str, ...] = ()) -> str:
    """The command to type next, for the clinic that this one was about: where it is was said once."""
    given = click.get_current_context().params
    where = (
        f"--{one} {given[one]}" for one in ("stack", "region", "endpoint") if given.get(one) and one not in without
    )
    return " ".join((PROG, words, name, *where))


def _of_this_clinic(command: Callable[..., Any]) -> Callable[..., Any]:
    """What works on a clinic that is open: first of all the stack must be this clinic's, and no other's."""

    @wraps(command)
    def only_ours(kit: Kit, account: Account, stack: str, **rest: Any) -> Any:
        keeping.ours(account, stack, kit.name)
        return command(kit=kit, account=account, stack=stack, **rest)

    return only_ours


@program.command()
@click.argument("name")
@click.option("--kit", type=click.Choice(KINDS), help="Which of ours it begins with.")
@click.option("--english", help="The clinic's name in English.")
@click.option("--chinese", help="The clinic's name in Chinese.")
@click.option("--phone", help="For people whose page does not work, like +862112345678.")
@click.option("--emergency", help="The emergency number.")
@click.option("--timezone", help="Like Asia/Shanghai.")
@click.option("--region", help="Where in AWS, like ap-southeast-1.")
@click.option("--policy", help=f"The policy pack: {POLICIES}.")
@click.option("--patients", type=int, help="People who come in an ordinary hour.")
@click.option("--email", help='Who is told when something is wrong; "" for nobody.')
@click.option("--yes", is_flag=True, help="Ask nothing: the kit's values where no option gives another.")
def new(name: str, kit: str | None, yes: bool, **given: Any) -> None:
    """A kit of your own, from one of ours. Asks ten questions, or none with --yes."""
    kind = kit or (
        "general" if yes else click.prompt("Which kind of clinic", default="general", type=click.Choice(KINDS))
    )
    said = read(TEMPLATES / kind).said
    ask: Callable[..., Any] = (lambda _, default, **__: default) if yes else click.prompt

    def answer(option: str, question: str, default: object) -> Any:
        return given[option] if given[option] is not None else ask(question, default=default, type=type(default))

    answers = {
        "name": {
            "en": answer("english", "Its name in English", said["name"]["en"]),
            "zh": answer("chinese", "Its name in Chinese", said["name"]["zh"]),
        },
        "phone": answer("phone", "Its phone number", said["phone"]),
        "emergency_number": answer("emergency", "The emergency number", said["emergency_number"]),
        "timezone": answer("timezone", "Time zone", said["timezone"]),
        "region": answer("region", "AWS region", said["region"]),
        "policy": answer("policy", f"Policy pack ({POLICIES})", DEFAULT),
        "patients_per_hour": answer("patients", "People who come in an ordinary hour", said["patients_per_hour"]),
        "alarm_email": answer(
            "email", "Who is told when something is wrong (e-mail, empty for nobody)", said["alarm_email"]
        ),
    }
    folder = kits.make(name, kind, answers)
    try:
        _checked(name)
    except KitRefused as why:
        raise kits.refused(folder, why) from why
    click.echo(f"Made {shown(folder)}/. Departments, medicines, brand and logo are in clinic.toml there.")
    fees = ", ".join(said["fee"].values())
    click.echo(f"Patients read what a visit costs, also where it is nothing: {fees}. It is `fee` there.")
    click.echo(f"Next: {PROG} preview {name}")


def _checked(name: str) -> Kit:
    kit = kit_of(name)
    departments, medicines = len(kit.said["departments"]), len(kit.compiled["formulary"])
    click.echo(f"{name}: {departments} departments, {medicines} medicines: no fault found.")
    _cautioned(kit)
    return kit


def _cautioned(kit: Kit) -> None:
    if said := opening.caution(kit):
        click.echo(said)


@program.command()
@click.argument("name")
def check(name: str) -> None:
    """Everything that is wrong with a kit, line by line; then its pages are opened and weighed."""
    kit = _checked(name)
    found = weights(kit)
    click.echo(
        f"{len(found)} public pages open in {', '.join(kit.said['languages'])}; "
        f"the heaviest is {max(found.values()) / 1000:.1f} KB on its way."
    )


@program.command()
@click.argument("name")
@click.option("--port", type=click.IntRange(1, PORT_MAX), default=8000, show_default=True)
@click.option("--demo", is_flag=True, help="Start in the middle of a busy morning.")
def preview(name: str, port: int, demo: bool) -> None:
    """That clinic on this machine, on a made-up DynamoDB. No AWS account."""
    kit = kit_of(name)
    with socket.socket() as probe:
        if not probe.connect_ex(("127.0.0.1", port)):
            raise Trouble(
                f"Port {port} is in use.", f"Choose another: {PROG} preview {name} --port {port % PORT_MAX + 1}"
            )
    with staged(kit) as target:
        command = [sys.executable, "-m", "infra.local.run", "--port", str(port), *(["--demo"] if demo else [])]
        child = subprocess.Popen(command, cwd=target, env=surroundings(target))
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            child.terminate()  # at a terminal it was told already, by the same keys
            child.wait()


@program.command()
@click.argument("name")
def cost(name: str) -> None:
    """What a month of this clinic would cost, and 1,000 consultations. Creates nothing."""
    kit = kit_of(name)
    click.echo(costs.told(kit, costs.estimate(kit)))


@program.command()
@_in_the_cloud
@click.option("--tree", is_flag=True, help="The files as they lie here, committed or not.")
@click.option("--rehearse", is_flag=True, help="On this machine, on a local AWS that is gone afterwards. No account.")
@click.option("--showing", is_flag=True, help="For showing the clinic, not for care: no patient will come.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def deploy(kit: Kit, account: Account, stack: str, tree: bool, rehearse: bool, showing: bool, yes: bool) -> None:
    """Open the clinic in your account, or bring it up to date. Safe to repeat."""
    language = kit.said["languages"][0]
    if rehearse:
        arch = rehearsing.own_architecture()
        with gone_when_stopped():
            return _rehearse(Order(kit=kit, stack=stack, tree=tree, arch=arch), language, wait=not yes)
    opening.for_care(kit, account, showing=showing)
    _cautioned(kit)
    found = costs.estimate(kit)
    click.echo(
        f"{kit.said['name'][language]} as stack {stack}: about {found.monthly:,.0f} USD a month "
        f"with {found.consultations:,} consultations ({PROG} cost {kit.name})."
    )
    if not yes and not click.confirm(f"Deploy to account {account.id}, {account.region}?", default=True):
        raise Trouble("Not deployed. Nothing was changed.", "Name the right --region, or sign in to the right account.")
    after = opening.deploy(account, _order(kit, account, stack, tree=tree), click.echo)
    click.echo(opening.door(opening.address(after.outputs), language))
    return click.echo(f"Next: {again('staff add', kit.name)}")


def _order(kit: Kit, account: Account, stack: str, *, tree: bool) -> Order:
    """A local AWS runs the zip on this machine's own processor."""
    return Order(kit=kit, stack=stack, tree=tree, arch=rehearsing.own_architecture() if account.endpoint else "")


@contextmanager
def gone_when_stopped() -> Iterator[None]:
    """A rehearsal that is stopped has begun nothing at AWS that goes on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nThe rehearsal is over and nothing of it is left.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _rehearse(order: Order, language: str, *, wait: bool) -> None:
    with rehearsing.rehearsed(order, click.echo) as open:
        if not keeping.answers(open.account, open.door):
            raise Trouble("The clinic was deployed and does not answer.", "Tell the developers; nothing of it is left.")
        click.echo(opening.door(open.door, language))
        click.echo("It answers. Every other command works on it too, in another terminal, like")
        here = again("status", order.kit.name, without=("region", "endpoint"))
        click.echo(f"  {here} --endpoint {open.account.endpoint}")
        if wait:
            click.pause("Look at it on this machine, then press a key here: all of it goes.")
    click.echo(f"The rehearsal is over and nothing of it is left. For good: {again('deploy', order.kit.name)}")


@program.command()
@_in_the_cloud
@_of_this_clinic
@click.option("--tree", is_flag=True, help="The files as they lie here, committed or not.")
def upgrade(kit: Kit, account: Account, stack: str, tree: bool) -> None:
    """Newer code under an open clinic: a backup, the new code, and back again if it does not answer."""
    # nobody opens a local AWS's door but the rehearsal that started it
    answers = (lambda *_: True) if account.endpoint else keeping.answers
    opening.upgrade(account, _order(kit, account, stack, tree=tree), click.echo, answers)
    click.echo("The clinic is up to date. Visits that were open go on.")


@program.group()
def staff() -> None:
    """Who works at the clinic."""


@staff.command("add")
@_in_the_cloud
@_of_this_clinic
@click.option("--id", "id_", prompt="Short name to sign in with", help="Small letters, like li-wei.")
@click.option("--called", prompt="Name as others see it", help='Like "Li Wei".')
@click.option(
    "--role",
    prompt="Role",
    default="administrator",
    type=click.Choice([role.value for role in ROLES]),
    help="The first is an administrator, who lets the others in on their own page.",
)
@click.option("--department", "departments", multiple=True, help="For doctors; everywhere unless you say.")
@click.option("--title", default="", help='A doctor\'s title as patients see it, like "Attending physician".')
@click.option("--licence", default="", help="A doctor's licence number.")
@click.option("--licence-until", type=DAY, help="The day until which it is valid, like 2028-12-31.")
@click.option("--practising-since", type=DAY, help="Where the rules ask a doctor for years of practice.")
def add(kit: Kit, account: Account, stack: str, id_: str, called: str, **more: Any) -> None:
    """Let somebody in, and show the password they sign in with first. The same command shows it again until then."""
    said: dict[str, Any] = {k: f"{v:%Y-%m-%d}" if isinstance(v, datetime) else v or "" for k, v in more.items()}
    newcomer = Newcomer(id=id_, name=called, **said)
    password = people.add(account, stack, kit, newcomer)
    door = opening.address(stacks.look(account, stack).outputs)
    click.echo(people.signs_in_as(newcomer, password, door, kit.said["languages"][0]))


@program.command()
@_in_the_cloud
@_of_this_clinic
def status(kit: Kit, account: Account, stack: str) -> None:
    """How the clinic is: the stack, its version, the table, recovery, alarms, and whether it answers."""
    standing = stacks.look(account, stack)
    for line in keeping.health(account, stack, standing):
        click.echo(line)
    door = opening.address(standing.outputs)
    if door and account.endpoint:
        click.echo(f"address    {door} (a local AWS does not open it)")
    elif door:
        click.echo(f"answers    {'yes' if keeping.answers(account, door) else 'NO'}, {door}")


@program.command()
@_in_the_cloud
@_of_this_clinic
@click.option("--keep", is_flag=True, help="Leave the restored table to look at.")
def drill(kit: Kit, account: Account, stack: str, keep: bool) -> None:
    """Restore the newest backup into a second table and verify every line. The clinic goes on meanwhile."""
    found = drilling.drill(account, stack, click.echo, keep=keep)
    click.echo(
        f"The backup of {found.moment:%Y-%m-%d %H:%M:%S} UTC is whole: {found.rows:,} rows, {found.visits:,} visits, "
        f"and {found.lines:,} lines of the audit as they were written. {found.newer:,} lines are newer than it."
    )


@program.command()
@_in_the_cloud
@_of_this_clinic
@click.option("--bucket", required=True, help="A bucket of yours: private, encrypted, in the same region.")
def export(kit: Kit, account: Account, stack: str, bucket: str) -> None:
    """All records, as DynamoDB JSON, to a bucket of yours. They are patients' records: guard them."""
    click.echo(f"Everything is in {keeping.export(account, stack, bucket, click.echo)}")


@program.command()
@_in_the_cloud
@click.option("--with-records", is_flag=True, help="The table too, once no record must be kept any more.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(kit: Kit, account: Account, stack: str, with_records: bool, yes: bool) -> None:
    """Close the clinic: the stack goes, the records stay. Says what stays."""
    if not yes and click.prompt(f"This closes the clinic for everybody. Type {stack} to go on") != stack:
        raise Trouble("That is not its name. Nothing was changed.", "Look it up with ./clinic status.")
    years = closing.years_of(kit)
    closing.close(account, stack, kit.name, click.echo, with_records=with_records, years=years)


if __name__ == "__main__":
    program(prog_name=PROG)
