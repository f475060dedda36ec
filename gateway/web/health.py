"""The state of the gateway as `/readyz` shows it."""

from __future__ import annotations

from gateway.domain.frozen import frozen


@frozen
class Part:
    """One thing the gateway needs. `problem` empty: it works. `notes`: wrong, but nobody has to wait for it."""

    name: str  # 'store', 'store writing', 'library CLK', 'messages', 'listener http 127.0.0.1:8080', 'profiles'
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def up(self) -> bool:
        return not self.problem


@frozen
class Readiness:
    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        return all(part.up for part in self.parts)

    def document(self) -> dict[str, object]:
        """As JSON: {"ready": bool, "parts": [{"name", "up", "problem"?, "notes"?}]}."""
        parts: list[dict[str, object]] = []
        for part in self.parts:
            entry: dict[str, object] = {"name": part.name, "up": part.up}
            if part.problem:
                entry["problem"] = part.problem
            if part.notes:
                entry["notes"] = list(part.notes)
            parts.append(entry)
        return {"ready": self.ready, "parts": parts}
