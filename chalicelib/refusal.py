"""The ways the clinic says no: expected, worded for the person, safe to show, and never a bug."""

from collections.abc import Iterable


class Refusal(Exception):
    """Understood, and the answer is no.

    `message` is English and is also the key of its translation; `%(name)s` in it is filled from `facts`
    (numbers and words of our own, never something a person typed). `field` names the form field to mark.
    """

    status = 422

    def __init__(self, message: str, *, field: str | None = None, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = facts

    @property
    def code(self) -> str:
        """A stable name for machines."""
        return type(self).__name__


class SeveralRefusals(Refusal):
    """More than one field is wrong; people are told all of them at once."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("There is a problem with your answers.")
        self.refusals = refusals


class Together:
    """Several checks of one form, told at once.

    `with together:` keeps what is refused about a field and goes on; `tell` raises all of it, the first of each field.
    A refusal that is about no field, like too late, ends it there.
    """

    def __init__(self, found: Iterable[Refusal] = ()) -> None:
        self._found = {one.field: one for one in found}

    @property
    def found(self) -> bool:
        """Whether anything was refused so far."""
        return bool(self._found)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, refusal: BaseException | None, trace: object) -> bool:
        several = refusal.refusals if isinstance(refusal, SeveralRefusals) else [refusal]
        found = [one for one in several if isinstance(one, Refusal) and one.field]
        for one in found:
            self._found.setdefault(one.field, one)
        return refusal is not None and len(found) == len(several)

    def tell(self) -> None:
        wrong = list(self._found.values())
        if wrong:
            raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)


class SignInFirst(Refusal):
    """We do not know who is asking."""

    status = 401


class NotAllowed(Refusal):
    """We know who is asking, and people in that role do not do this."""

    status = 403


class NotFound(Refusal):
    """There is no such record, or it is not this person's: a stranger cannot tell which."""

    status = 404

    def __init__(self, message: str = "We cannot find that page.", **facts: object) -> None:
        super().__init__(message, **facts)  # type: ignore[arg-type]  # facts never carry a field


class TooLate(Refusal):
    """Somebody else was first, or the moment has passed. The message says what happened."""

    status = 409


class Unproven(TooLate):
    """What was to be done by a proven number: the proof ended between two pages, or at this very moment."""

    def __init__(self) -> None:
        super().__init__("We do not know this phone any more. Confirm your number again.")


class Over(Refusal):
    """It was theirs, and its time is past. The message says what to do now."""

    status = 410


class TooLarge(Refusal):
    """More than we take in one go."""

    status = 413


class Busy(Refusal):
    """The clinic cannot write this down at the moment. Nothing was done; the same request may be sent again."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The clinic is very busy. Nothing was lost. Please try again in a moment.")


class Unsigned(Refusal):
    """The key that signs, or verifies, does not answer. Nothing was signed or decided; the same request may be sent
    again."""

    status = 503

    def __init__(
        self, words: str = "We cannot sign at the moment. Nothing was signed. Please try again in a moment."
    ) -> None:
        super().__init__(words)


class Stale(Exception):
    """Not a refusal: somebody wrote between our read and our write. Load, decide and save again."""


class Repeated(Exception):
    """Not a refusal: this request had its effect before. `answer` is what it was answered then."""

    def __init__(self, answer: str, *, deed: str, actor: str, fingerprint: str) -> None:
        super().__init__("repeated")
        self.answer = answer
        self.deed = deed
        self.actor = actor
        self.fingerprint = fingerprint
