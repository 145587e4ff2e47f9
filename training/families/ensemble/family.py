"""The family `ensemble`: several trained models that answer as one. `ser ensemble` makes it; it is not trained."""

from typing import TYPE_CHECKING, Any

from training.families.family import Family, Halves

if TYPE_CHECKING:
    import keras


class EnsembleFamily(Family):
    """A weighted geometric mean of what its members answer.

    Args:
        members: Families of the members, in their order; none for the family as such.
    """

    name = "ensemble"
    summary = "Several trained models that answer as one."
    presets = {}

    def __init__(self, members: tuple[Family, ...] = ()) -> None:
        self.members = members

    def with_members(self, members: tuple[Family, ...]) -> "EnsembleFamily":
        """The ensemble with the families of its members."""
        return EnsembleFamily(members)

    def import_network(self) -> Any:
        """See `Family`; the networks of the members are imported as well."""
        from training.families.ensemble import network

        for member in self.members:
            member.import_network()
        return network

    def halves(self, model: "keras.Model") -> Halves | None:
        """See `Family`: the embedding is those of the members, one after the other."""
        found = [family.halves(member) for family, member in zip(self.members, model.members, strict=True)]
        parts = [part for part in found if part is not None]
        if len(parts) < len(found):
            return None

        def embed(inputs: Any) -> Any:
            from keras import ops

            found = [part.embed(inputs[str(place)]) for part, place in zip(parts, model.front_ends, strict=True)]
            return ops.concatenate([ops.cast(one, "float32") for one in found], axis=1)

        def classify(embedding: Any) -> Any:
            answers, start = [], 0
            for part in parts:
                answers.append(part.classify(embedding[:, start : start + part.size]))
                start += part.size
            return model.pooled(answers)

        return Halves(embed, classify, sum(part.size for part in parts))

    def gains_from_bfloat16(self, model: "keras.Model") -> bool:
        """Whether one of the members gains."""
        return any(
            family.gains_from_bfloat16(member) for family, member in zip(self.members, model.members, strict=True)
        )

    def for_serving(self, model: "keras.Model", dtype: str) -> "keras.Model":
        """The ensemble of its members as they are served; those that gain nothing from bfloat16 stay float32."""
        return model.with_members(
            [
                family.for_serving(member, dtype if family.gains_from_bfloat16(member) else "float32")
                for family, member in zip(self.members, model.members, strict=True)
            ]
        )


FAMILY = EnsembleFamily()
