"""collect: one typed slot, by speech and keys."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from voicebot.dialplan.control import StepError
from voicebot.dialplan.dialog import Dialog, Done, Exhausted
from voicebot.dialplan.fields import Reader, identifier, integer, key, one_of
from voicebot.dialplan.inputs import InputStep
from voicebot.dialplan.line import Spoken
from voicebot.dialplan.matchers import Meant
from voicebot.dialplan.run import Run
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.slots import SlotRule, Values, bounds, length, values
from voicebot.dialplan.source import Mapping, Node
from voicebot.dialplan.targets import PASS, Target, Way, target, verb, way_to
from voicebot.dialplan.texts import Text, text
from voicebot.nlu.slots.base import SlotError

Confirm = Literal["never", "when_unsure", "always"]


@verb
@dataclass(frozen=True, kw_only=True)
class Collect(InputStep):
    """`type` is a slot type of the language or one of the dialplan's `types`; the checker looks it up."""

    verb: ClassVar[str] = "collect"

    slot: str = key(identifier, required=True)
    type: str = key(identifier, required=True)
    length: int | tuple[int, int] | None = key(length)
    range: tuple[float, float] | tuple[str, str] | None = key(bounds)
    values: Values | None = key(values)
    confirm: Confirm = key(one_of("never", "when_unsure", "always"), "when_unsure")
    readback: Text | None = key(text)
    max_attempts: int = key(integer(1, 20), 3)
    on_fail: Target | None = key(target)
    save_as: str | None = key(one_of("csat"))

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        found = reader.build(cls, node, **given)
        if found.readback is not None and found.confirm == "never":
            assert isinstance(node, Mapping)
            reader.note(found.readback.position, "VB023", "readback is never spoken with confirm: never")
        return found

    def rule(self, run: Run) -> SlotRule:
        rule = run.dialplan.memo.get(("slot rule", self.id), lambda: self._rule(run.dialplan))
        return rule.at(run.variables.now()) if rule.kind.relative else rule

    def _rule(self, dialplan: Dialplan) -> SlotRule:
        return SlotRule.of(
            self.type, dialplan.types, length=self.length, bounds=self.range, values=self.values
        )

    async def run(self, run: Run) -> None:
        try:
            await self.fill(run)
        except Exhausted:
            run.trace("slot", name=self.slot, failed=True)
            if self.on_fail is None:
                raise StepError("max_attempts") from None
            await run.go(self.on_fail)
        except Done:
            return

    async def fill(self, run: Run) -> None:
        """Ask until the slot has a value. Raises Exhausted or Done."""
        rule = self.rule(run)
        dialog = Dialog(
            run,
            self,
            slot=rule,
            attempts=self.max_attempts,
            sensitive=bool(self.sensitive),
        )
        while True:
            meant = await dialog.answer()
            self._keep(run, rule, meant, dialog.sensitive)
            if not self._doubtful(meant, dialog) or await dialog.yes_or_no(self._readback(run, rule, meant)):
                break
            run.variables.slot.pop(self.slot, None)
            await dialog.refused()
        fields: dict[str, object] = {"name": self.slot, "type": self.type}
        fields |= {"sensitive": True} if dialog.sensitive else {"value": meant.value}
        if self.save_as is not None:
            fields["save_as"] = self.save_as
        run.trace("slot", **fields)

    def _keep(self, run: Run, rule: SlotRule, meant: Meant, sensitive: bool) -> None:
        run.variables.assign(f"slot.{self.slot}", meant.value, sensitive=sensitive)
        run.variables.speakers[self.slot] = rule.speak

    def _doubtful(self, meant: Meant, dialog: Dialog) -> bool:
        if self.confirm == "when_unsure":
            return not meant.keyed and meant.confidence < dialog.bounds.confirm
        return self.confirm == "always"

    def _readback(self, run: Run, rule: SlotRule, meant: Meant) -> tuple[Spoken, ...]:
        sensitive = f"slot.{self.slot}" in run.variables.sensitive
        if self.readback is not None:
            return run.spoken(self.readback, sensitive=sensitive)
        try:
            value = rule.speak(meant.value, run.language)
        except SlotError:
            raise StepError("type") from None
        return run.phrase("readback", value=value, sensitive=sensitive)

    def ways(self) -> tuple[Way, ...]:
        failed = () if self.on_fail is None else (way_to(self.on_fail),)
        return (PASS, *failed, *self.handler_ways())
